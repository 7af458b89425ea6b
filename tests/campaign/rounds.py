"""One round: tell the evening, kill without mercy, then calm down and look at what is left."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
from tests.campaign import tracing
from tests.campaign.mother import Mother
from tests.campaign.outside import Journal
from tests.campaign.senders import Senders
from tests.campaign.stack import OUTSIDERS, Installation, Stack
from tests.campaign.world import World, politely, rudely

TWO_MINUTES, TEN_MINUTES, DAY_AND_MORE, AN_HOUR_BACK = 120, 600, 25 * 3600, -3600
LONG_AFTER_S = 50 * 3600
DRAINS_S = (6, 6, 240)  # what died on the wire just now is put off when the drain finds it: time passes once more
MOST_S = 180.0
STALLED_S = 2.0  # without progress one kill in so many seconds is enough, and time passes meanwhile
GIVE_UP_S = 14.0
PAUSES_S = (0.05, 0.1, 0.2, 0.3, 0.7)  # the longest lets work begin that can be cut
RETRACED = 0.1
OF_ALL_KINDS = {
    "kill worker": 58,
    "kill web": 10,
    "kill database": 9,
    "freeze worker": 4,
    "jump": 12,
    "back": 4,
    "kill billing": 4,
    "kill mailbox": 3,
}
CLOCK_GOES_BACK = {"kill worker": 3, "back": 1}
AT_THE_NTH_CALL = {"trace worker": 5, "trace web": 2, "later": 1}
ONLY_TIME_PASSES = {"later": 1}


@dataclass(frozen=True)
class Storm:
    """What a round does to us. The same storm is the same choice of faults; what they hit is up to the machine."""

    seed: int
    kills: int  # so many of our own processes, by whosever hand
    actions: Mapping[str, int] = field(default_factory=lambda: OF_ALL_KINDS)
    broken: str = ""
    mood: Mapping[str, Any] = field(default_factory=dict)  # of the outside
    told_over_s: float = 7.0


@dataclass(frozen=True)
class Aftermath:
    """All there is to judge by: the outside's own journals, what senders were promised, and amends' exports."""

    effects: list[dict[str, Any]]
    mails: list[dict[str, Any]]
    kept: set[tuple[str, str]]
    trouble: list[str]
    tables: dict[str, list[dict[str, Any]]]
    idle: bool
    verified: bool  # by `amends ledger verify`
    kills: dict[str, int]
    faults: Counter[str]
    amid: int  # effects that were there before the storm was over
    seconds: float

    @property
    def ours_killed(self) -> int:
        return ours(self.kills)


def ours(kills: Mapping[str, int]) -> int:
    return sum(times for what, times in kills.items() if what not in OUTSIDERS)


def calm(home: Installation, world: World, mother: Mother) -> Aftermath:
    """The evening undisturbed: what every round must come out as."""
    stack = Stack(home, world.seed, mother)
    try:
        stack.mood(calm=True)
        return _tell(stack, world, None)
    finally:
        stack.stop()


def stormy(home: Installation, world: World, storm: Storm, acts: int, mother: Mother) -> Aftermath:
    """The same evening in a storm, which spreads its kills over so many acts at the provider."""
    stack = Stack(home, storm.seed, mother, storm.broken)
    try:
        stack.mood(**storm.mood)
        return _tell(stack, world, storm, acts)
    finally:
        stack.stop()


def _tell(stack: Stack, world: World, storm: Storm | None, acts: int = 0) -> Aftermath:
    begun = time.monotonic()
    for name in ("web", "worker1", "worker2"):
        stack.start(name)
    stack.wait_for_web()
    telling = Senders(stack.url, stack.home.api_key, _parcels(world, storm))
    if storm:
        _rage(stack, storm, telling, acts)
    return look(stack, telling, gently=storm is None, begun=begun)


def look(stack: Stack, telling: Senders, *, gently: bool = True, begun: float = 0.0) -> Aftermath:
    """Wait until all is told, calm down, and gather what is left."""
    telling.join()
    amid = len(Journal(stack.outside / "effects.jsonl").lines())
    idle = _calm_down(stack, gently=gently)
    return Aftermath(
        effects=Journal(stack.outside / "effects.jsonl").lines(),
        mails=Journal(stack.outside / "mails.jsonl").lines(),
        kept=telling.kept,
        trouble=telling.trouble,
        tables=stack.export(),
        idle=idle,
        verified=stack.run("ledger", "verify") == 0,
        kills=stack.kill_count(),
        faults=Counter(line["fault"] or "none" for line in Journal(stack.outside / "tries.jsonl").lines()),
        amid=amid,
        seconds=time.monotonic() - begun,
    )


def _parcels(world: World, storm: Storm | None) -> Any:
    return politely(world) if storm is None else rudely(world, storm.seed, over_s=storm.told_over_s)


def _rage(stack: Stack, storm: Storm, telling: Senders, acts: int) -> None:
    """Until so many are dead, everything is told and every act was tried at least once, or no more will be.

    Where nobody has died for long either, as when all wait to be cut and nothing is left to do, it is over too.
    """
    chance, begun = random.Random(f"storm {storm.seed}"), time.monotonic()
    tried, killed, last_at, died_at, passed_at, struck_at = 0, 0, begun, begun, begun, begun
    while time.monotonic() < begun + MOST_S:
        time.sleep(chance.choice(PAUSES_S))
        stack.mend()
        before, tried, killed = (tried, killed), stack.acts_tried(), ours(stack.kill_count())
        last_at = time.monotonic() if tried > before[0] else last_at
        died_at = time.monotonic() if killed > before[1] else died_at
        stalled_s, still_s = time.monotonic() - last_at, time.monotonic() - max(last_at, died_at)
        enough = killed >= storm.kills and (tried >= acts or stalled_s > GIVE_UP_S)
        if (enough or still_s > GIVE_UP_S) and not telling.busy():
            return
        if stalled_s > STALLED_S and tried < acts and time.monotonic() > passed_at + STALLED_S:
            stack.clock.jump(TEN_MINUTES)  # whoever waits for a lease or a next try has waited
            passed_at = time.monotonic()
        if _may_go_on(storm, killed, tried / acts, time.monotonic() - max(last_at, struck_at)):
            _one(stack, chance, storm.actions)
            struck_at = time.monotonic()


def _may_go_on(storm: Storm, killed: int, progress: float, stalled_s: float) -> bool:
    """Kills keep pace with the work, on a slow machine too: dead processes that had nothing to do prove nothing."""
    return killed < storm.kills * (0.3 + 0.7 * progress) or (killed < storm.kills and stalled_s > STALLED_S)


def _one(stack: Stack, chance: random.Random, actions: Mapping[str, int]) -> None:
    (action,) = chance.choices(list(actions), weights=list(actions.values()))
    verb, _, what = action.partition(" ")
    if what == "worker":
        what = chance.choice(("worker1", "worker2"))
    if verb == "freeze":
        _past_the_lease(stack, what, chance)
    elif verb == "trace":
        _cut(stack, what, chance)
    elif verb == "jump":
        stack.clock.jump(chance.choice((TWO_MINUTES, DAY_AND_MORE)))
    elif verb == "back":
        stack.clock.jump(AN_HOUR_BACK)
    elif verb == "later":
        stack.clock.jump(TWO_MINUTES)
        time.sleep(2.0)
    elif what == "database":
        stack.count("database", stack.home.database.kill(chance))
    elif what in OUTSIDERS:
        stack.kill_outsider(what)
    else:
        stack.kill(what)
        stack.start(what)


def _cut(stack: Stack, what: str, chance: random.Random) -> None:
    """Wait for its n-th call; one that is waited for already is seldom begun anew: it may never come."""
    if what in stack.traces and chance.random() > RETRACED:
        return
    with suppress(psutil.NoSuchProcess):
        stack.trace(what, chance.choice(tracing.CALLS), chance.randint(1, tracing.LATEST))


def _past_the_lease(stack: Stack, worker: str, chance: random.Random) -> None:
    """Stopped while others take over, then awake again as if nothing had been."""
    stack.freeze(worker, signal.SIGSTOP)
    stack.clock.jump(chance.choice((TWO_MINUTES, DAY_AND_MORE)))
    time.sleep(1.5)
    stack.freeze(worker, signal.SIGCONT)


def _calm_down(stack: Stack, *, gently: bool) -> bool:
    """Nothing goes wrong any more, and two days later everything must have come to an end."""
    stack.mood(calm=True)
    if gently:
        stack.end()
    else:
        time.sleep(2.2)  # what was frozen or late in the outside's hands comes back
        stack.mend()
        for name in list(stack.pids):
            stack.kill(name)
    return any(_drained(stack, timeout) for timeout in DRAINS_S)


def _drained(stack: Stack, timeout: int) -> bool:
    stack.clock.jump(LONG_AFTER_S)
    time.sleep(1.1)  # libfaketime looks at the clock once a second
    return stack.run("drain", "--until-idle", "--timeout", str(timeout)) == 0
