"""The port between the core and a system's adapter: everything an adapter takes and gives, and nothing else.

Inbound is pure: `read` turns one request into a `Reading`, and the core does the I/O the reading asks for:

    Refused     the caller is not who it says        -> 401 and a journal line; the body is not kept
    Answered    nothing to keep                      -> the answer (a handshake)
    Ignored     understood and deliberately unused   -> the raw message is kept, then the answer
    Malformed   authenticated, not understood        -> the raw message is kept and listed, then the answer
    Question    needs to know something first        -> the core looks it up and calls `then`
    Bind        a secretary shows a one-time code    -> the core binds the openid and calls `then`
    Taken       drafts for the ledger                -> one transaction, then `reply` gets the outcomes

Outbound says what happened by what it returns or raises; one function of the core (`bridge/retry.py`) maps it:

    Receipt                     the system took it, and this is its own number
    OutboundError
    ├── Busy(retry_after)       it asks us to come back later; no fault of the hand-off
    ├── Transient(code)         certainly not taken; try again on the ladder
    ├── Unknown(code)           may have been taken; look it up before sending again
    └── Permanent(code)         will never be taken as it is; park it for a person
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from bridge.apipart import ApiPart
from bridge.roster import Bound, Roster
from schemas.event import Event, EventData, EventType
from schemas.petition import ExternalId, Petition, PetitionDraft

if TYPE_CHECKING:
    import aiohttp
    from starlette.applications import Starlette

# ── settings every system has ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Lack:
    """Settings that are not set, by name, and what does not work without them. `choice`: a city may mean it so."""

    names: tuple[str, ...]
    means: str
    choice: bool = False


class SystemSettings(BaseModel):
    """What `BRIDGE_<SYSTEM>__…` can set for any system; each adapter adds its own in its `settings.py`."""

    model_config = ConfigDict(extra="forbid")

    base_url: str | None = None
    retry_ladder: str | None = None
    timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    concurrency: int = Field(default=64, ge=1, le=1000)
    acknowledge_within_hours: float = Field(default=24.0, ge=0, le=24 * 365)

    def lacks(self) -> Sequence[Lack]:
        """What is needed and not set, for whoever looks before the start; one without names is none."""
        return ()

    def unset(self, *names: str) -> tuple[str, ...]:
        """Those of these settings that are empty."""
        return tuple(name for name in names if not getattr(self, name))


# ── inbound ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came: the path percent-encoded as on the request line, header names in lower case, the
    query's first value of each name, body raw."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Response:
    """What the caller gets, in its own dialect."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ref:
    """One way to find a petition: a system's number for it (`kind` None: any kind), or our own `petition_id`.

    `petition_id` set means the other fields are ignored.
    """

    system: str = ""
    value: str = ""
    kind: str | None = None
    petition_id: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """News about a petition that exists already. `refs` are tried in order; none known: kept until one is.

    `message_key` identifies this very message inside its system for ever (the idempotency key): the same key again
    changes nothing and gets the first answer. `external_ids` are numbers learnt on the way. `actor` says who spoke
    through the system: `petitioner`, `owner` (the secretary), `unit`, or None for the system itself; whoever spoke is
    not told again.
    """

    message_key: str
    refs: tuple[Ref, ...]
    type: EventType
    data: EventData
    occurred_at: datetime
    external_ids: tuple[ExternalId, ...] = ()
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A new petition. `external_ids` has at least one number; if any is known already it is not a new petition:

    then `again` says what the message means for the known one (a new dispatch, …) if it brings a new number; without
    either, it is a plain repeat that gets the first answer. `holder` names the system that already works on it (its
    source), so that the petition is held from the start; None when the source only submits (a citizen, a form).
    """

    message_key: str
    petition: PetitionDraft
    external_ids: tuple[ExternalId, ...]
    submitted_at: datetime
    again: Update | None = None
    holder: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The fate of one hand-off that was delivered, told later by its receipt number (签收, a delivery event).

    `failure` None: acknowledged. Otherwise the code why it did not arrive: the hand-off is parked with it, or, where
    there is `another_way`, sent again at once with that in its `progress` (how to reach the receiver otherwise).
    """

    message_key: str
    receipt: str
    failure: str | None = None
    another_way: Mapping[str, str] = field(default_factory=dict)


Draft = Submission | Update | Acknowledgement


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one draft. `status`:

    `new` (a petition was taken in), `event` (an event was recorded), `duplicate` (known; the first answer again),
    `kept` (nothing to attach it to yet; it waits in the ledger and is matched later).
    `receipt` is the digest of the journal entry that proves it (None for `kept`).
    """

    status: str
    petition_id: str | None
    receipt: str | None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class PetitionView:
    """What a door may tell about a petition, newest first in lists. `said` is the last text meant for the citizen;
    `petitioner_wrote_at` when the citizen last brought or added something; `confirmed`: the owner or the citizen has
    confirmed the closing (首问书记确认)."""

    petition_id: str
    title: str
    kind: str
    handling_class: str
    state: str
    submitted_at: datetime
    updated_at: datetime
    external_ids: tuple[ExternalId, ...]
    last_event: str
    said: str | None = None
    unit: str | None = None
    rated: bool = False
    confirmed: bool = False
    petitioner_wrote_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Not authenticated: `reason` is a short code (`bad_signature`, `unknown_key`, `stale_timestamp`, …)."""

    response: Response
    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    response: Response


@dataclass(frozen=True, slots=True)
class Ignored:
    """`message_key` as in `Update`, so that a repeat is kept once."""

    response: Response
    reason: str
    message_key: str | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """`reason` names the thing, the cause and the next step, without quoting personal data."""

    response: Response
    reason: str


@dataclass(frozen=True, slots=True)
class Nonce:
    """A value that may be used once (within the door's time window); `replayed` answers its second use."""

    value: str
    replayed: Response


@dataclass(frozen=True, slots=True)
class Taken:
    """Drafts for one transaction; `reply` gets one `Outcome` for each draft, in order, after COMMIT."""

    drafts: tuple[Draft, ...]
    reply: Callable[[Sequence[Outcome]], Response]


@dataclass(frozen=True, slots=True)
class Question:
    """Look petitions up first, then go on: by `refs`, or all that one `openid` brought (newest first, at most 20).

    `owner_openid` asks as the secretary who bound it: for those among `refs` that they answer for, or, without `refs`,
    for what still waits for their confirmation (首问书记确认; newest first, at most 20). Nobody bound: nothing.
    """

    then: "Callable[[Sequence[PetitionView]], Reading]"
    refs: tuple[Ref, ...] = ()
    openid: str | None = None
    owner_openid: str | None = None


@dataclass(frozen=True, slots=True)
class Bind:
    """Bind this openid to the secretary whose one-time code it is, then go on."""

    code: str
    openid: str
    then: "Callable[[Bound], Reading]"


Reading = Refused | Answered | Ignored | Malformed | Taken | Question | Bind


@dataclass(frozen=True, slots=True)
class Read:
    """A reading together with the request's nonce, when the door uses one."""

    reading: Reading
    nonce: Nonce | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """A path that the system calls on us. `patience_seconds`: how long the caller waits for the answer; after that it
    is told that nothing was kept (`unavailable`)."""

    path: str
    methods: tuple[str, ...] = ("POST",)
    patience_seconds: float = 25.0


class Inbound(Protocol):
    """Pure: no I/O, no clock but the request's own `received_at`."""

    doors: Sequence[Door]

    def read(self, request: Request) -> Read:
        """What the request means. Never raises for anything a caller can send."""
        ...

    def too_large(self, request: Request) -> Response:
        """The 413 answer in the system's dialect (the body was over the limit and not read)."""
        ...

    def unavailable(self, request: Request) -> Response:
        """The 503 answer in the system's dialect: the ledger could not commit, nothing was kept, please repeat."""
        ...


# ── polled notices ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Notice:
    """One polled message. `key` as `message_key`; `token` is whatever `sign` needs to acknowledge it."""

    key: str
    body: bytes
    token: Mapping[str, str] = field(default_factory=dict)


class Poller(Protocol):
    """Fetches what the system keeps for us; the core signs a notice only after its COMMIT."""

    every_seconds: float

    async def fetch(self) -> Sequence[Notice]:
        """All notices waiting now (at most a few pages). Raises `OutboundError`."""
        ...

    def read(self, notice: Notice, received_at: datetime) -> Reading:
        """Pure, as `Inbound.read`; the responses in the reading are not used."""
        ...

    async def sign(self, notices: Sequence[Notice]) -> None:
        """Acknowledge them there. Raises `OutboundError`; the notices then come again, which is harmless."""
        ...


# ── outbound ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One hand-off to send. `idempotency_key` is the same for every attempt of it.

    `external_ids` are this system's numbers for the petition (kind → the value learnt last). `progress` is what
    earlier attempts of this hand-off have already achieved (see `OutboundError.progress`). `audience` says whom a
    messaging system is to reach (`petitioner`, `owner`, `unit`): the routing table decides it; empty for others.
    """

    handoff_id: str
    idempotency_key: str
    attempt: int
    event: Event
    petition: Petition
    external_ids: Mapping[str, str]
    progress: Mapping[str, str]
    audience: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The system's business-level acceptance (回执): `number` is its own number for what it took.

    `progress` is kept with the hand-off as `OutboundError.progress` is: needed again if it turns out not to have
    arrived. `also` are its numbers for further messages of the same hand-off (to the owner, to the unit): news about
    them is recognised and noted. `external_ids` become cross-references. `holds`: the system now has the case itself,
    not just news about it.
    `told_petitioner`: the message went to the petitioner's own channel. `acknowledged`: the system has already
    signed for it. `detail` are short codes for the attempt's row (never personal data).
    """

    number: str
    external_ids: tuple[ExternalId, ...] = ()
    holds: bool = False
    told_petitioner: bool = False
    acknowledged: bool = False
    detail: str | None = None
    also: tuple[str, ...] = ()
    progress: Mapping[str, str] = field(default_factory=dict)


class OutboundError(Exception):
    """Base of what `send` and `lookup` raise. `code` is short and free of personal data.

    `progress` is kept with the hand-off and handed to its next attempt.
    """

    def __init__(self, code: str, *, progress: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.progress = dict(progress or {})


class Busy(OutboundError):
    """The system asks for a pause: `retry_after` seconds (None: it did not say)."""

    def __init__(self, code: str, retry_after: float | None = None, *, progress: Mapping[str, str] | None = None):
        super().__init__(code, progress=progress)
        self.retry_after = retry_after


class Transient(OutboundError):
    """Certainly not taken: connection refused, a clear "try again"."""


class Unknown(OutboundError):
    """May have been taken: a timeout or a reset after the request left, an answer that cannot be read."""


class Permanent(OutboundError):
    """Refused for what it is: wrong data, a code without a mapping, a receiver that does not exist."""


class CannotAsk(Exception):
    """`lookup` raises it where the system has no way to be asked about this hand-off."""


class Outbound(Protocol):
    """The calls we make. `speaks` are the event types this system can be told; the router hands it no other."""

    speaks: frozenset[EventType]

    async def send(self, outgoing: Outgoing) -> Receipt:
        """One attempt. Raises `OutboundError`; any other exception is a defect and counts as `Unknown`."""
        ...

    async def lookup(self, outgoing: Outgoing) -> Receipt | None:
        """Did an earlier attempt arrive? Its receipt, or None if it surely did not.

        Raises `CannotAsk`, or `OutboundError` when the question itself failed.
        """
        ...

    async def close(self) -> None: ...


# ── reconciliation (对账) ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Record:
    """One petition as the system has it now. `number` is the system's own number for it, `petition_id` ours where it
    knows it; `ours` False: it began there. `state` is a canonical state (`bridge.lifecycle`), None where it has none or
    none that the table knows (`raw_state` says it).

    `digests`: name of a field → digest of what the record says there (`Register.digests` gives the same for what it
    should say); `attachments`: digests of the names of its attachments. Nothing personal.
    """

    number: str
    petition_id: str | None
    entered_at: datetime
    ours: bool
    state: str | None = None
    raw_state: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    attachments: frozenset[str] = frozenset()


class Register(Protocol):
    """The system's own list of the petitions it has, asked a day at a time through its query interface."""

    async def day(self, day: date) -> Sequence[Record]:
        """All petitions that entered the system on that day of the city's clock, whoever brought them.

        Raises `OutboundError`; `CannotAsk` where the system has no list.
        """
        ...

    def digests(self, petition: Petition) -> Mapping[str, str]:
        """What a record of this petition should say: pure, the same names and digests as in `Record.digests`."""
        ...

    def attachments(self, petition: Petition) -> frozenset[str]:
        """Which attachments a record of this petition should have: pure."""
        ...

    async def fetch(self, record: Record) -> Notice:
        """The whole petition behind a record that we do not have, as the system would have sent it. The notice's key
        is the one that the ordinary message would have had, so that a late original changes nothing. Raises
        `OutboundError`."""
        ...

    def read(self, notice: Notice, received_at: datetime) -> Reading:
        """Pure, as `Poller.read`."""
        ...


@dataclass(frozen=True, slots=True)
class Adapter:
    """One system, wired."""

    system: str
    inbound: Inbound
    outbound: Outbound
    poller: Poller | None = None
    register: Register | None = None


# ── what a system may know of the citizen ─────────────────────────────────────────────────────────────────


class Need(StrEnum):
    """A personal field that a system may be given. What its manifest does not name never reaches its adapter."""

    NAME = "petitioner.name"
    PHONE = "petitioner.phone"
    OPENID = "petitioner.openid"
    ADDRESS = "place.address"
    COORDINATES = "place.coordinates"
    SECRETARY = "secretary.name"
    ATTACHMENTS = "attachments"


EVERY_NEED = frozenset(Need)
IDENTITY = frozenset({Need.NAME, Need.PHONE, Need.OPENID})
"""By which a citizen can be known at once; kept from whoever hands on to handling units, if the petition is
confidential (保密)."""


# ── the manifest ──────────────────────────────────────────────────────────────────────────────────────────


class Directory(Protocol):
    """Who is bound to which openid (名册): in memory, no I/O."""

    def of_secretary(self, secretary_id: str) -> str | None:
        """The openid that this secretary bound, or None (not bound, or no longer active)."""
        ...

    def of_unit(self, unit: str) -> str | None:
        """The openid of the person whom the roster names for this unit, or None."""
        ...


async def alone(name: str, seconds: float) -> bool:
    """The lease where there is only one process."""
    return True


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the composition root lends an adapter: the clock, the one HTTP session of this process, who is bound to
    which openid, and `hold(name, seconds)`: whether this process alone has the work called `name` for so long (0: no
    more)."""

    now: Callable[[], datetime]
    session: Callable[[], "aiohttp.ClientSession"]
    directory: Directory = field(default_factory=Roster)
    hold: Callable[[str, float], Awaitable[bool]] = alone


@dataclass(frozen=True, slots=True)
class SandboxPlan:
    """How a sandbox is to behave. `pace_seconds`: its mean time between two steps of a case; `seed` fixes its choices.

    `autopilot` False: it takes what it is sent and does nothing of its own (for benches and wire tests).
    """

    bridge_url: str
    pace_seconds: float = 0.5
    seed: int = 5
    autopilot: bool = True


def one_key(handoff_id: str, audience: frozenset[str]) -> frozenset[str]:
    """Under which keys a delivered hand-off arrives at its system: usually one, its own id."""
    return frozenset({handoff_id})


@dataclass(frozen=True, slots=True)
class Manifest:
    """All the core knows about an adapter folder. `settings` has defaults that work with the sandbox only if given."""

    system: str
    zh: str
    needs: frozenset[Need]
    """The personal fields that this system needs."""
    needs_confidential: frozenset[Need]
    """The same for a petition whose petitioner asked for confidentiality, or wants to stay unnamed."""
    settings: type[SystemSettings]
    build: "Callable[[Any, Workshop], Adapter]"
    sandbox: "Callable[[Any, SandboxPlan], Starlette]"
    sandbox_settings: "Callable[[str, str], SystemSettings]"
    """`(base_url of the sandbox, random secret) -> settings` that connect the bridge with its sandbox."""
    arrival_keys: Callable[[str, frozenset[str]], frozenset[str]] = one_key
    """`(hand-off id, audience) -> keys` that the sandbox may remember it by; at least one of them is there."""
    openapi: Callable[[], ApiPart] | None = None
    """What the OpenAPI document says of its doors and of the calls on it."""
