"""What crosses the telemetry border: the columns in (one row per CMCD report) and out (one row per play session).

Key names are CTA-5004's (in brackets); measures are named after CTA-2066.
"""

from __future__ import annotations

import pyarrow as pa

# CTA-5004-B code lists; 0 stands for "not said" in every coded column.
MODES = ("", "request", "event")
STATES = ("", "s", "p", "k", "r", "a", "e", "f", "q", "d", "w")
EVENTS = (
    "",
    "bc",
    "ps",
    "pr",
    "e",
    "t",
    "c",
    "b",
    "m",
    "um",
    "pe",
    "pc",
    "rr",
    "as",
    "ae",
    "abs",
    "abe",
    "sk",
    "ce",
    "h",
)
OBJECT_TYPES = ("", "m", "a", "v", "av", "i", "c", "tt", "k", "o")
SPAN_KINDS = ("startup", "play", "stall", "pause", "seek")

REPORTS = pa.schema(
    [
        pa.field("session", pa.uint64(), nullable=False),  # hash_session(session_id): what the kernel sorts by
        pa.field("session_id", pa.string(), nullable=False),  # [sid]
        pa.field("customer_id", pa.string()),  # from a configured custom key
        pa.field("order_id", pa.string()),  # from a configured custom key
        pa.field("received_ms", pa.int64(), nullable=False),  # server clock, Unix ms
        pa.field("player_ms", pa.int64()),  # [ts] player clock, Unix ms; may be skewed
        pa.field("sequence", pa.int32()),  # [sn]
        pa.field("version", pa.int8()),  # [v], 1 where not said
        pa.field("mode", pa.int8(), nullable=False),  # index into MODES
        pa.field("event", pa.int8(), nullable=False),  # [e] index into EVENTS
        pa.field("state", pa.int8(), nullable=False),  # [sta] index into STATES
        pa.field("object_type", pa.int8(), nullable=False),  # [ot] index into OBJECT_TYPES
        pa.field("bitrate_kbps", pa.int32()),  # [br], the video member of an inner list
        pa.field("top_bitrate_kbps", pa.int32()),  # [tb]
        pa.field("buffer_ms", pa.int32()),  # [bl]
        pa.field("deadline_ms", pa.int32()),  # [dl]
        pa.field("duration_ms", pa.int32()),  # [d]
        pa.field("throughput_kbps", pa.int32()),  # [mtp]
        pa.field("starved", pa.bool_()),  # [bs]
        pa.field("starved_ms", pa.int32()),  # [bsd]
        pa.field("startup_ms", pa.int32()),  # [msd]
        pa.field("rate", pa.float32()),  # [pr]
        pa.field("playhead_ms", pa.int64()),  # [pt]
        pa.field("starting", pa.bool_()),  # [su]
        pa.field("background", pa.bool_()),  # [bg]
        pa.field("error_code", pa.string()),  # [ec]
        pa.field("content_id", pa.string()),  # [cid]
        pa.field("stream_type", pa.string()),  # [st]
        pa.field("format", pa.string()),  # [sf]
        pa.field("path", pa.string()),  # path of the requested object; its number tells the segment
        pa.field("next_path", pa.string()),  # [nor]
        pa.field("status", pa.int16()),  # HTTP status of the request, where the log knows
        pa.field("bytes", pa.int64()),
        pa.field("taken_ms", pa.int32()),  # how long the server took to send it
    ]
)

SPAN = pa.struct([("kind", pa.string()), ("from_s", pa.float64()), ("to_s", pa.float64())])

SESSIONS = pa.schema(
    [
        pa.field("session_id", pa.string(), nullable=False),
        pa.field("customer_id", pa.string()),
        pa.field("order_id", pa.string()),
        pa.field("content_id", pa.string()),
        pa.field("started_at_ms", pa.int64(), nullable=False),  # first sign of the attempt, Unix ms, server clock
        pa.field("last_seen_ms", pa.int64(), nullable=False),  # server clock
        pa.field("ended", pa.bool_(), nullable=False),  # an end was reported or follows from the media's end
        pa.field("gaps", pa.int32(), nullable=False),  # sequence numbers missing: while > 0 a verdict is provisional
        pa.field("startup_s", pa.float64()),
        pa.field("stall_count", pa.int32()),
        pa.field("stall_s", pa.float64()),
        pa.field("longest_stall_s", pa.float64()),
        pa.field("watched_s", pa.float64()),  # CTA-2066: startup, play, stall, seek; pauses excluded
        pa.field("played_s", pa.float64()),
        pa.field("bitrate_kbps_mean", pa.float64()),
        pa.field("bitrate_kbps_min", pa.float64()),
        pa.field("switches", pa.int32()),
        pa.field("failed_start", pa.bool_()),
        pa.field("exited_before_start", pa.bool_()),
        pa.field("playback_failed", pa.bool_()),
        pa.field("score", pa.float64()),
        pa.field("method", pa.string(), nullable=False),  # which method gave the stall numbers: reported, buffer, …
        pa.field("confidence", pa.float64(), nullable=False),  # 0..1
        pa.field("spans", pa.list_(SPAN), nullable=False),
    ]
)
