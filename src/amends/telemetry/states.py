"""Sessions whose player says its state (`sta`, CMCD v2 event mode): runs of states, by masks over all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from amends.telemetry.ordered import Bools, Ints, Ordered
from amends.telemetry.records import EVENTS, MODES, SPAN_KINDS, STATES

Floats = npt.NDArray[np.float64]
S, P, K, R, A, E, F, Q, D, W = range(1, len(STATES))
EVENT_MODE = MODES.index("event")
ERROR, RESPONSE = EVENTS.index("e"), EVENTS.index("rr")
STARTUP, PLAY, STALL, PAUSE, SEEK = range(len(SPAN_KINDS))
OVER = len(SPAN_KINDS)  # after the end, after a fatal error: no part of the session
FLICKER_MS = 250
APART_MS = 1000  # runs of a kind that are further apart are two: something finished lay between
SHORTEST_MS = 100  # shorter pieces are the player's own bookkeeping
NEVER = np.iinfo(np.int64).max


@dataclass
class Runs:
    """Runs of one state, in order: session, kind (index into SPAN_KINDS or OVER), from and to in ms."""

    session: Ints
    kind: Ints
    since: Ints
    until: Ints


@dataclass
class Told:
    """What the states tell, one entry per session."""

    usable: Bools  # states were sent as they changed
    played: Bools
    first_play: Ints  # ms, NEVER where nothing played
    error_at: Ints  # ms of the first fatal report, NEVER without
    dead: Bools  # an error after which play never ran again
    open_wait: Bools  # ends in rebuffering that no report resolves
    ended: Bools
    last_at: Ints
    runs: Runs


def tell(ordered: Ordered, media_over: Bools, more_to_come: Bools) -> Told:
    """Read states into runs; the requests say where the film was over and where there was more of it to come.

    A wait that no report resolves counts only where more was to come: hls.js waits for ever after the end.
    """
    count = ordered.sessions
    mode, state, event = ordered.column("mode"), ordered.column("state"), ordered.column("event")
    last_at = np.maximum.reduceat(ordered.at, ordered.first) if count else np.zeros(0, np.int64)
    error = (event == ERROR) | (state == F)
    error_at = _first_at(ordered, error)
    # a response's state is of when it was asked for (dash.js) or of when it came (hls.js): of no use for transitions
    said = np.flatnonzero((mode == EVENT_MODE) & (state > 0) & (event != RESPONSE))
    session, what = ordered.session[said], state[said]
    change = np.ones(len(said), np.bool_)
    change[1:] = (what[1:] != what[:-1]) | (session[1:] != session[:-1])
    session, since, what = session[change], ordered.at[said[change]], what[change]
    final = np.append(np.diff(session) != 0, True) if len(session) else np.zeros(0, np.bool_)
    until = np.where(final, last_at[session], np.append(since[1:], 0)) if len(session) else since
    flicker = np.zeros(len(what), np.bool_)  # a player may say "playing" for a moment in the middle of a seek
    flicker[1:] = (what[1:] == P) & (what[:-1] == K) & (until[1:] - since[1:] < FLICKER_MS) & ~final[1:]
    what = np.where(flicker, K, what)
    first_play = np.full(count, NEVER)
    np.minimum.at(first_play, session[what == P], since[what == P])
    usable = np.bincount(session, minlength=count) >= 1
    last_play = np.full(count, -1)
    np.maximum.at(last_play, session[what == P], since[what == P])
    ended = np.bincount(session[(what == E)], minlength=count) > 0
    waiting = np.zeros(count, np.bool_)
    waiting[session[final & (what == R)]] = True
    dead = (error_at < NEVER) & (last_play < error_at) & ~ended & ~media_over
    still_playing = np.zeros(count, np.bool_)
    still_playing[session[final & (what == P)]] = True
    dead &= ~(still_playing & (last_play >= 0))
    kind = _kinds(session, what, since, first_play)
    kind[final & (what == R) & (dead | ended | ~more_to_come)[session]] = OVER
    kind[(since >= error_at[session]) & dead[session]] = OVER
    until = np.where(dead[session] & (kind != PLAY), np.minimum(until, np.maximum(error_at[session], since)), until)
    open_wait = waiting & ~dead & ~media_over & ~more_to_come & ~ended & (first_play < NEVER)
    runs = Runs(session, kind, since, until)
    return Told(usable, first_play < NEVER, first_play, error_at, dead, open_wait, ended | media_over, last_at, runs)


def _first_at(ordered: Ordered, mask: Bools) -> Ints:
    found = np.full(ordered.sessions, NEVER)
    np.minimum.at(found, ordered.session[mask], ordered.at[mask])
    return found


def _kinds(session: Ints, what: Ints, since: Ints, first_play: Ints) -> Ints:
    """What a state means where it stands: before the first play waiting is startup, after a seek it is the seek's."""
    kind = np.full(len(what), OVER)
    kind[what == P] = PLAY
    kind[what == A] = PAUSE
    kind[what == K] = SEEK
    kind[what == R] = STALL
    kind[np.isin(what, (S, D, W))] = SEEK
    same = np.diff(session, prepend=-1) == 0
    after_seek = same & (np.append([0], what[:-1]) == K) & (what == R) if len(what) else same
    kind[after_seek] = SEEK
    kind[(since < first_play[session]) & (kind != OVER)] = STARTUP
    return kind


def joined(runs: Runs, keep: Bools) -> Runs:
    """Runs of the sessions to keep, without the short and the finished, equal neighbours made one."""
    wanted = keep[runs.session] & (runs.kind != OVER)
    wanted &= (runs.until - runs.since >= SHORTEST_MS) | (runs.kind == STARTUP)
    session, kind, since, until = (a[wanted] for a in (runs.session, runs.kind, runs.since, runs.until))
    if not len(session):
        return Runs(session, kind, since, until)
    new = (np.diff(session, prepend=-1) != 0) | (np.diff(kind, prepend=-1) != 0)
    new[1:] |= since[1:] - until[:-1] > APART_MS
    firsts = np.flatnonzero(new)
    lasts = np.append(firsts[1:], len(session)) - 1
    return Runs(session[firsts], kind[firsts], since[firsts], until[lasts])
