"""Request bodies: read up to a limit, decompressed up to the same limit."""

from __future__ import annotations

import zlib

import zstandard
from django.conf import settings
from django.http import HttpRequest

from amends.web.problems import Problem

PIECE = 1 << 20
MAX_MEMBERS = 1000  # of a concatenated gzip or zstd body: each costs a copy of the rest


def read(request: HttpRequest) -> bytes:
    """The body as sent, decompressed. Problem 413 past the limit, 400 when it breaks off, 415 for other encodings."""
    limit = settings.AMENDS.limits.body_mb * 2**20
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > limit:
        raise too_large(limit)
    raw = request.read(limit + 1)
    if len(raw) > limit:
        raise too_large(limit)
    if len(raw) < length:
        raise Problem(400, f"the body breaks off after {len(raw)} of {length} bytes; nothing was taken, send it again")
    return _decompressed(raw, request.headers.get("Content-Encoding", "").strip().lower(), limit)


def too_large(limit: int) -> Problem:
    return Problem(413, f"the body is larger than {limit // 2**20} MiB; send it in smaller batches")


def _decompressed(raw: bytes, encoding: str, limit: int) -> bytes:
    if encoding in ("", "identity"):
        return raw
    if encoding in ("gzip", "x-gzip"):
        return _gunzip(raw, limit)
    if encoding == "zstd":
        return _unzstd(raw, limit)
    known = {"Accept-Encoding": "gzip, zstd"}
    raise Problem(415, f"Content-Encoding {encoding!r} is not known; use gzip or zstd", known)


def _ends_whole(raw: bytes) -> bool:
    """Whether the last zstd frame is complete; called once the size is known to be within the limit."""
    for _ in range(MAX_MEMBERS):
        stream = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
        stream.decompress(raw)
        if not stream.eof or not stream.unused_data:
            return stream.eof
        raw = stream.unused_data
    raise Problem(400, f"the zstd body has more than {MAX_MEMBERS} frames; send one")


def _gunzip(raw: bytes, limit: int) -> bytes:
    pieces, size, members = [], 0, 0
    while raw:
        members += 1
        if members > MAX_MEMBERS:
            raise Problem(400, f"the gzip body has more than {MAX_MEMBERS} members; send one")
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while raw and not stream.eof:
            try:
                piece = stream.decompress(raw, PIECE)
            except zlib.error as error:
                raise Problem(400, f"the gzip body cannot be read: {error}; nothing was taken") from error
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            pieces.append(piece)
            raw = stream.unconsumed_tail or stream.unused_data
            if not piece and not stream.eof and not stream.unconsumed_tail:
                break
        if not stream.eof:
            raise Problem(400, "the gzip body breaks off in the middle; nothing was taken, send it again")
        raw = stream.unused_data
    return b"".join(pieces)


def _unzstd(raw: bytes, limit: int) -> bytes:
    pieces, size = [], 0
    try:
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw, read_across_frames=True) as reader:
            while piece := reader.read(PIECE):
                size += len(piece)
                if size > limit:
                    raise too_large(limit)
                pieces.append(piece)
        if raw and not _ends_whole(raw):
            raise Problem(400, "the zstd body breaks off in the middle; nothing was taken, send it again")
    except zstandard.ZstdError as error:
        raise Problem(400, f"the zstd body cannot be read: {error}; nothing was taken") from error
    return b"".join(pieces)
