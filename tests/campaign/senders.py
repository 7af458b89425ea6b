"""Senders as the contract asks for them: everything not answered with 2xx is sent again."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

from tests.campaign.world import Parcel

PAUSE_S = 0.1
GIVE_UP_S = 60.0


class Senders:
    """A few threads over one list of parcels; `kept` is what was promised to us by a 2xx."""

    def __init__(self, url: str, api_key: str, parcels: Sequence[Parcel], threads: int = 3) -> None:
        self.url, self.api_key = f"{url}/v1/signals", api_key
        self.kept: set[tuple[str, str]] = set()
        self.refused, self.tries = 0, 0
        self.trouble: list[str] = []
        self._waiting: queue.SimpleQueue[Parcel] = queue.SimpleQueue()
        for parcel in parcels:
            self._waiting.put(parcel)
        self._begun = time.monotonic()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            try:
                parcel = self._waiting.get_nowait()
            except queue.Empty:
                return
            time.sleep(max(0.0, self._begun + parcel.after_s - time.monotonic()))
            self._insist(parcel)

    def _insist(self, parcel: Parcel) -> None:
        until = time.monotonic() + GIVE_UP_S
        says: object = ""
        while time.monotonic() < until:
            try:
                answer = self._post(parcel.body)
            except (OSError, ValueError, http.client.HTTPException) as error:
                says = error
                time.sleep(PAUSE_S)
                continue
            self._note(parcel, answer)
            return
        self.trouble.append(f"a parcel of {len(parcel.events)} was not taken within {GIVE_UP_S:g} s: {says}")

    def _post(self, body: bytes) -> dict[str, Any]:
        self.tries += 1
        heads = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url, body, heads)
        with urllib.request.urlopen(request, timeout=10) as reply:
            found: dict[str, Any] = json.loads(reply.read())
        return found

    def _note(self, parcel: Parcel, answer: dict[str, Any]) -> None:
        self.kept |= set(parcel.events)
        self.refused += len(answer["refused"])
        taken = answer["accepted"] + answer["duplicate"]
        if taken != len(parcel.events) or len(answer["refused"]) != parcel.poison:
            self.trouble.append(f"a parcel of {len(parcel.events)} and {parcel.poison} poison was answered {answer}")
