"""Callers as they really are: they knock until they are answered, and then they never ask again."""

import http.client
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from bridge.demo.petitions import DemoPetition, petitions

PATIENCE_SECONDS = 120.0
_PAUSE = 0.1
_NO_ANSWER = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one petition that was sent: the first clear answer, and after how many tries it came."""

    petition: DemoPetition
    status: int
    petition_id: str | None
    tries: int

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status < 300


def call(
    method: str, url: str, document: Any = None, *, bearer: str = "", key: str = "", seconds: float = 60.0
) -> tuple[int, dict[str, Any]]:
    """One HTTP call: the status and the JSON object that came back. Raises `OSError` or `HTTPException`."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    headers = {"Content-Type": "application/json", "Connection": "close"}
    headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
    headers |= {"Idempotency-Key": key} if key else {}
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        connection.request(method, path, json.dumps(document).encode() if document is not None else None, headers)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    answer = json.loads(body) if body.startswith(b"{") else {}
    return response.status, answer if isinstance(answer, dict) else {}


def insist(once: Callable[[], tuple[int, dict[str, Any]]], given_up: Event) -> tuple[int, dict[str, Any], int]:
    """`once` until there is a clear answer (below 500), as a real caller does; the answer and the number of tries."""
    deadline, tries = time.monotonic() + PATIENCE_SECONDS, 0
    while True:
        tries += 1
        try:
            status, answer = once()
        except _NO_ANSWER:
            status, answer = 0, {}
        if 0 < status < 500:
            return status, answer, tries
        # A caller waits before it knocks again.
        if given_up.wait(_PAUSE) or time.monotonic() > deadline:
            return status, answer, tries


@dataclass
class Callers:
    """All who bring petitions to one bridge. `sandboxes`: base URL by system; `key`: an API key with all scopes."""

    url: str
    key: str
    sandboxes: dict[str, str]
    at_once: int = 8
    sent: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._given_up = Event()
        self._pool = ThreadPoolExecutor(self.at_once, thread_name_prefix="caller")

    def send(self, chosen: Iterable[DemoPetition]) -> "Sending":
        """Start sending; returns at once."""
        return Sending([self._pool.submit(self._bring, petition) for petition in chosen])

    def close(self) -> None:
        """Nobody knocks any more."""
        self._given_up.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    # ── one petition ──
    def _bring(self, petition: DemoPetition) -> Answer:
        """The petition through its own door; then what its secretary or unit does about it."""
        answer = self._rest(petition) if petition.door == "rest" else self._originate(petition)
        self.sent.append(answer)
        if answer.petition_id and petition.door in ("form", "rest"):
            self._handle(petition, answer.petition_id)
        return answer

    def _rest(self, petition: DemoPetition) -> Answer:
        url, document = f"{self.url}/v1/petitions", petition.document
        status, answer, tries = insist(lambda: call("POST", url, document, bearer=self.key), self._given_up)
        return Answer(petition, status, answer.get("petition_id"), tries)

    def _originate(self, petition: DemoPetition) -> Answer:
        """Through the sandbox of its own system, which knocks again and again by itself."""
        system = "wechat" if petition.door in ("form", "wechat") else petition.door
        more = {"door": petition.door} if system == "wechat" else {"reply": petition.reply}
        url = f"{self.sandboxes[system]}/sandbox/originate"
        status, answer = call("POST", url, {**petition.document, **more}, seconds=PATIENCE_SECONDS + 30)
        if status == 200:
            status = int(answer.get("status", 200))
        return Answer(petition, status, answer.get("petition_id"), int(answer.get("tries", 0)))

    def _handle(self, petition: DemoPetition, petition_id: str) -> None:
        if petition.base["handling_class"] == "on_site":
            self.say(petition_id, "closed", actor="owner", text=petition.on_site_result)
        elif petition.base["handling_class"] == "home_unit":
            unit = petition.base["lead_unit"]
            self.say(petition_id, "signed", actor="unit", unit=unit)
            self.say(petition_id, "progressed", actor="unit", unit=unit, text=petition.progress)
            self.say(petition_id, "replied", actor="unit", unit=unit, text=petition.reply)
            self.say(petition_id, "closed", actor="owner", text="已与诉求人核实，问题解决。")

    def say(self, petition_id: str, type_: str, **event: Any) -> int:
        """An event over REST, with an idempotency key: however often it is sent, it is one event."""
        url, document = f"{self.url}/v1/petitions/{petition_id}/events", {"type": type_, **event}
        status, _, _ = insist(
            lambda: call("POST", url, document, bearer=self.key, key=f"{petition_id}-{type_}"), self._given_up
        )
        return status


@dataclass(frozen=True)
class Sending:
    """Petitions on their way to their doors."""

    futures: Sequence["Future[Answer]"]

    @property
    def done(self) -> bool:
        return all(future.done() for future in self.futures)

    def answers(self, seconds: float = PATIENCE_SECONDS + 60) -> list[Answer]:
        """Every answer; raises what a caller raised."""
        wait_for(self.futures, seconds)
        return [future.result(0) for future in self.futures]


_SMALL = ("form center", "hotline12345", "wechat", "governance_center", "form home_unit", "rest", "form", "wechat")
"""A small batch: every door, and what a secretary sends to the center or has the home unit handle."""


def batches(seed: int = 5) -> Iterator[list[DemoPetition]]:
    """Small batches of invented petitions without end, each with every door; no petition comes twice."""
    decks: dict[str, list[DemoPetition]] = {slot: [] for slot in _SMALL}
    while True:
        while not all(len(deck) >= _SMALL.count(slot) for slot, deck in decks.items()):
            for petition in petitions(100, seed=seed):
                decks[_slot(petition)].insert(0, petition)
            seed += 1
        yield [decks[slot].pop() for slot in _SMALL]


def _slot(petition: DemoPetition) -> str:
    handling_class = petition.base["handling_class"]
    if petition.door == "form" and handling_class == "home_unit":
        return "form home_unit"
    if petition.door == "form" and handling_class in ("key_supervision", "joint_package"):
        return "form center"
    return petition.door
