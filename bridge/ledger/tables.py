"""The ledger's tables. Times are integer milliseconds since 1970; documents are JSON text (never `jsonb`: PostgreSQL
refuses U+0000 there, and real petitions contain it; inside JSON text it is the six characters \\u0000)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

Row = Mapping[Any, Any]
"""One row, or part of one, by column name."""

metadata = MetaData()

# SQLite only numbers a column by itself when its type is exactly INTEGER.
Serial = BigInteger().with_variant(Integer, "sqlite")


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of the rows that the condition holds for."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


petitions = Table(
    "petitions",
    metadata,
    Column("petition_id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("handling_class", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("team_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", BigInteger, nullable=False),
    Column("state_by", Text, nullable=False),
    Column("class_at", BigInteger, nullable=False),
    Column("holder", Text),
    Column("has_openid", Boolean, nullable=False),
    Column("petitioner_key", Text),
    Column("phone_key", Text),
    Column("fingerprint", Text),
    Column("last_sequence", Integer, nullable=False),
    Column("answered_by", Text),
    Column("receipt", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("accepted_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("erased_at", BigInteger),
    Column("merged_into", Text),
    Column("roads", Text),
    Column("members", Integer, nullable=False, server_default="0"),
    Column("deadlines_version", Text),
    Column("profile", Text),
    Column("provisional", Boolean, nullable=False, server_default=text("false")),
    Column("look_at", BigInteger),
    Column("owner_id", Text),
    Column("unit", Text),
    Column("place_key", Text),
    Column("subject_key", Text),
    Column("no_echo", Text),
    Column("no_echo_since", BigInteger),
    Column("no_landing", Text),
    Column("no_landing_since", BigInteger),
    Column("confirmed_at", BigInteger),
    Column("late_units", Text),
    Column("round_from", Integer, nullable=False, server_default="0"),
    Column("assisted", Boolean, nullable=False, server_default=text("false")),
    _partial("petitions_look", "look_at", where="look_at IS NOT NULL"),
    _partial("petitions_no_echo", "team_id", "petition_id", where="no_echo IS NOT NULL"),
    _partial("petitions_no_landing", "team_id", "petition_id", where="no_landing IS NOT NULL"),
    _partial("petitions_owner", "owner_id", where="closed_at IS NULL"),
    _partial("petitions_unconfirmed", "state", "owner_id", "petition_id", where="confirmed_at IS NULL"),
    Index("petitions_group", "place_key", "subject_key", "accepted_at"),
    Index(
        "petitions_open", "holder", sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL")
    ),
    Index("petitions_listed", "accepted_at", "petition_id"),
    Index("petitions_petitioner", "petitioner_key", "accepted_at"),
    Index("petitions_phone", "phone_key", "accepted_at"),
    Index("petitions_fingerprint", "fingerprint", "accepted_at"),
    Index(
        "petitions_merged",
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
)
"""One row a petition. `body` is sealed (`bridge.vault`). `petitioner_key` and `phone_key` are keyed hashes of openid
and phone, `fingerprint` one of phone and text: to find by, never to read. `answered_by` is the hand-off or event that
proves that the petitioner was answered; `receipt` the digest of its opening journal entry; `holder` the system that has
the case now; `erased_at` says since when nothing personal is left; `merged_into` the petition whose answer is this
one's too, and `members` how many are merged into this one; `roads` the other systems that brought the same
petition, which hear of it like its source.

What the rules keep here is a cache and an alarm clock, never the truth, which is computed from the events at each look:
`due_at` when the reply is due, by `profile` of the edition `deadlines_version` (frozen); `look_at` when the rules must
look next (empty only when it is closed; 0: it has never been looked at); `unit` who leads; `no_echo` and `no_landing`
why it is on a list of the day, `late_units` the assisting units that are late (a line each). `confirmed_at` is when the
owner, or the citizen, confirmed the closing of this round, which began with the event of sequence `round_from`;
`assisted` says that some unit is known to assist (协办).
`place_key` and `subject_key` are keyed hashes, to count by."""

packages = Table(
    "packages",
    metadata,
    Column("system", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("petition_id", Text, nullable=False),
    Column("due_at", BigInteger),
    Column("joined_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("system", "number", "petition_id"),
    Index("packages_petition", "petition_id"),
)
"""Which petitions are in which joint package (打包处理), by the number of the system that made it; `due_at` is when its
plan is to be carried out by."""

cross_references = Table(
    "cross_references",
    metadata,
    Column("system", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("petition_id", Text, nullable=False),
    Column("learnt_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("value", "system", "kind"),
    Index("cross_references_petition", "petition_id"),
)

messages = Table(
    "messages",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("message_key", Text),
    Column("received_at", BigInteger, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("petition_id", Text),
    Column("event_id", Text),
    Column("receipt", Text),
    Column("draft", Text),
    UniqueConstraint("system", "message_key", name="messages_key"),
    Index(
        "messages_listed",
        "status",
        "received_at",
        sqlite_where=text("status <> 'taken'"),
        postgresql_where=text("status <> 'taken'"),
    ),
)
"""Every authenticated message as it came, `body` and `draft` sealed. `status`: taken, malformed, ignored, kept (waits
for its petition)."""

kept_references = Table(
    "kept_references",
    metadata,
    Column("value", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    PrimaryKeyConstraint("value", "system", "kind", "message_id"),
)
"""The numbers that a kept message waits for (`kind` empty: any kind)."""

nonces = Table(
    "nonces",
    metadata,
    Column("system", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("system", "nonce"),
    Index("nonces_seen", "seen_at"),
)

events = Table(
    "events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("petition_id", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Text),
    Column("traceparent", Text),
    Column("data", Text, nullable=False),
    Column("announced", Text, nullable=False),
    Column("echo_key", Text),
    Column("out_of_order", Boolean, nullable=False, server_default=text("false")),
    Column("answers", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("petition_id", "sequence", name="events_gapless"),
    _partial("events_out_of_order", "recorded_at", "event_id", where="out_of_order"),
)
"""`data` is all the event says, sealed; `announced` what the public bus was told, so that it can be told again.
`out_of_order`: the lifecycle does not allow it where the petition stood; it was kept and moved nothing. `answers`: if
it is an answer by its type, whether it is one by what it says (a lead's, in order, with words)."""

workdays = Table(
    "workdays",
    metadata,
    Column("day", Text, primary_key=True),
    Column("is_workday", Boolean, nullable=False),
    Column("source_doc", Text, nullable=False),
    Column("loaded_at", BigInteger, nullable=False),
)
"""Days of official notices (`bridge calendar import`), ISO dates."""

conveyor = Table(
    "conveyor",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("petition_id", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("confirmed_at", BigInteger),
    Column("routed_at", BigInteger),
    Column("wake_at", BigInteger, nullable=False),
    Column("publishes", Integer, nullable=False, server_default="0"),
    Index("conveyor_wake", "wake_at"),
    Index("conveyor_petition", "petition_id", "sequence"),
)
"""Events that the broker has not confirmed or the router has not routed; a row goes when both are done."""

handoffs = Table(
    "handoffs",
    metadata,
    Column("handoff_id", Text, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("petition_id", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("ladder_from", Integer, nullable=False, server_default="0"),
    Column("ask_first", Boolean, nullable=False, server_default=text("false")),
    Column("publishes", Integer, nullable=False, server_default="0"),
    Column("wake_at", BigInteger),
    Column("lease_owner", Text),
    Column("lease_until", BigInteger),
    Column("receipt", Text),
    Column("reason", Text),
    Column("progress", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("acknowledged_at", BigInteger),
    Column("acknowledge_by", BigInteger),
    Index("handoffs_lane", "petition_id", "system", "sequence"),
    Index("handoffs_receipt", "receipt", "system"),
    Index(
        "handoffs_unsigned",
        "acknowledge_by",
        sqlite_where=text("acknowledge_by IS NOT NULL"),
        postgresql_where=text("acknowledge_by IS NOT NULL"),
    ),
    Index(
        "handoffs_unfinished",
        "state",
        "wake_at",
        sqlite_where=text("state NOT IN ('delivered','acknowledged','cancelled')"),
        postgresql_where=text("state NOT IN ('delivered','acknowledged','cancelled')"),
    ),
)
"""`ladder_from`: the attempt after which the ladder starts (a replay begins it anew). `acknowledge_by`: when the watch
says that a delivered hand-off has not been signed for; empty once it has said so, or where nobody signs."""

attempts = Table(
    "attempts",
    metadata,
    Column("handoff_id", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("code", Text),
    Column("detail", Text),
    PrimaryKeyConstraint("handoff_id", "attempt"),
)

journal = Table(
    "journal",
    metadata,
    Column("entry_id", Serial, primary_key=True, autoincrement=True),
    Column("n", BigInteger),
    Column("petition_id", Text),
    Column("what", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("opens", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Index("journal_n", "n", unique=True),
    Index("journal_unsealed", "entry_id", sqlite_where=text("n IS NULL"), postgresql_where=text("n IS NULL")),
    Index("journal_petition", "petition_id", "entry_id"),
    Index(
        "journal_opens",
        "entry_id",
        sqlite_where=text("opens"),
        postgresql_where=text("opens"),
    ),
)
"""Append-only. `body` is the entry as canonical JSON without `n` and `leaf`; `n` is given by the sealer. `opens`
marks a petition's first entry: counting them gives what was accepted, independently of the petitions table."""

witness = Table(
    "witness",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
)
"""One row: the tree over the sealed entries, as its frontier."""

answers = Table(
    "answers",
    metadata,
    Column("caller", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("body_digest", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("caller", "idempotency_key"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Work that only one process does at a time (polling a system, sealing)."""

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("ran_at", BigInteger, nullable=False),
    Column("open_differences", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("report", Text, nullable=False),
    Index("reconciliations_day", "system", "day", "ran_at"),
)
"""One row a run (对账): the report as canonical JSON, whose SHA-256 (`digest`) is sealed into the journal."""

UNFINISHED = ("pending", "queued", "waiting", "sending", "retrying", "unknown", "parked")
"""Hand-offs that block their lane."""

IN_FLIGHT = ("pending", "queued", "waiting", "sending", "retrying", "unknown")
"""Hand-offs that go on by themselves."""
