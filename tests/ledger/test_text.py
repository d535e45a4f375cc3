"""Text comes out as it went in: what real petitions contain, and what databases and clean-ups like to swallow."""

import hashlib

import orjson
import pytest

from bridge.adapter import OutboundError, Receipt
from bridge.ledger import reads
from bridge.ledger.keep import Kept
from bridge.retry import Park, Retry
from schemas.event import EventData, EventType, RawCode
from schemas.petition import (
    Attachment,
    Category,
    HandlingClass,
    Petition,
    PetitionDraft,
    Petitioner,
    Place,
    Secretary,
)
from tests.support.ledgers import HOTLINE, Bench, number, ref, submission, update

ODD = (
    "\x00",  # PostgreSQL's text and jsonb refuse it
    "\u200b",  # zero width space
    "\u00a0\u3000",
    "𠮷",  # beyond the basic plane
    "👩\u200d👩\u200d👧\u200d👦🏽",
    "e\u0301é",  # must not be normalised
    "\ufeff\ufffd\ufffe",
    "_x000D_\r\n\t\x0b\x1b\x7f",
    "'\"\\%s :x {{}} --;",
    "\u202e\u2028\u2029",
    "１３９㎡①",
)
ALL = "起" + "".join(ODD) + "止"


def odd_draft(text: str) -> PetitionDraft:
    """Every free text of a petition."""
    short = text[:12]
    return PetitionDraft(
        title=text,
        content=text,
        petitioner=Petitioner(name=text[:100], phone=text[:64]),
        place=Place(
            region_code=short, street=text, community=text, grid=text[:64], address=text, longitude=1.5, latitude=-2.25
        ),
        category=Category(code=text[:64], name=text),
        secretary=Secretary(id="s1", name=text[:100], team_id="𠮷👍", home_unit=text),
        lead_unit=text,
        assist_units=(text, text + "2"),
        attachments=(Attachment(name=text, url=text, usage=text[:32]),),
        handling_class=HandlingClass.HOTLINE_TRANSFER,
    )


def stored(bench: Bench, petition_id: str) -> Petition:
    found = bench.do(bench.ledger.read(lambda conn: reads.petition(conn, bench.privacy.vault, petition_id)))
    assert found is not None
    return found[0]


@pytest.mark.parametrize("text", [*ODD, ALL], ids=[f"{ord(odd[0]):04x}" for odd in ODD] + ["all"])
def test_every_text_of_a_petition_comes_back_as_it_was(bench: Bench, text: str) -> None:
    draft = odd_draft(text)
    (outcome,) = bench.take(submission("m1", draft=draft))
    back = stored(bench, outcome.petition_id or "")
    for name in PetitionDraft.model_fields:
        assert getattr(back, name) == getattr(draft, name), name
    # And as the adapter gets it.
    bench.route_all()
    leased = bench.leased(bench.rows("SELECT handoff_id FROM handoffs WHERE system = :s", s=HOTLINE)[0]["handoff_id"])
    assert reads.build_petition(leased.petition, leased.numbers).content == draft.content


@pytest.mark.parametrize("text", [*ODD, ALL], ids=[f"{ord(odd[0]):04x}" for odd in ODD] + ["all"])
def test_every_text_of_an_event_comes_back_as_it_was(bench: Bench, text: str) -> None:
    case = bench.submit()
    data = {"text": text, "unit": text, "person": text[:100], "score": text[:64], "raw": text}
    bench.say(case, EventType.PROGRESSED, HOTLINE, status=RawCode(code=text[:64], name=text), **data)
    event = bench.do(bench.ledger.read(lambda conn: reads.petition_events(conn, bench.privacy.vault, case.id)))[-1]
    assert event.data == EventData(status=RawCode(code=text[:64], name=text), **data)


def test_the_announcement_vouches_for_the_content(bench: Bench) -> None:
    (outcome,) = bench.take(submission("m1", draft=odd_draft(ALL)))
    (message,) = bench.published
    salt = bench.privacy.lookup.salt(outcome.petition_id or "")
    announced = orjson.loads(message.body)["data"]["content_sha256"]
    assert announced == hashlib.sha256(f"{salt}{ALL}".encode()).hexdigest()
    assert announced != hashlib.sha256(ALL.encode()).hexdigest(), "a short text could be guessed"
    assert "起" not in orjson.loads(message.body)["subject"]


def test_a_kept_update_comes_back_as_it_was(bench: Bench) -> None:
    bench.take(update("u1", EventType.REPLIED, ref("A1"), text=ALL))
    (new,) = bench.take(submission("m1", number("A1")))
    event = bench.do(
        bench.ledger.read(lambda conn: reads.petition_events(conn, bench.privacy.vault, new.petition_id or ""))
    )[-1]
    assert event.data.text == ALL


def test_raw_bytes_are_kept_whatever_they_are(bench: Bench) -> None:
    raw = bytes(range(256)) * 4
    bench.do(bench.ledger.keep(Kept("wechat", "/in", 0, "text/plain", raw, "malformed", "not UTF-8")))
    assert bench.raw(bench.row("SELECT message_id, body FROM messages")) == raw


@pytest.mark.parametrize("text", ["\x00", "𠮷👍\u200b"], ids=["nul", "wide"])
def test_what_a_system_says_in_its_receipt_cannot_stop_the_ledger(bench: Bench, text: str) -> None:
    """A receipt that cannot be stored would leave the hand-off to be sent for ever."""
    case = bench.submit()
    bench.route_all()
    head = bench.head(case, HOTLINE)
    assert bench.send(head, Receipt(f"R{text}1", detail=f"d{text}", holds=True))
    assert bench.handoff(head)["state"] == "delivered"


@pytest.mark.parametrize("text", ["\x00", "𠮷👍\u200b"], ids=["nul", "wide"])
def test_what_a_system_says_in_its_refusal_cannot_stop_the_ledger(bench: Bench, text: str) -> None:
    case = bench.submit()
    bench.route_all()
    error = OutboundError(f"code{text}", progress={"k": text})
    head = bench.head(case, HOTLINE)
    bench.settle(bench.settlement(bench.leased(head), Retry(5, error.code), progress=error.progress))
    assert bench.handoff(head)["state"] == "retrying"
    assert orjson.loads(bench.handoff(head)["progress"]) == {"k": text}
    bench.clock.turn(6)
    bench.due()
    assert bench.send(head, Park(error.code))
    assert bench.handoff(head)["state"] == "parked"


@pytest.mark.parametrize("text", ["\x00", "𠮷👍\u200b"], ids=["nul", "wide"])
def test_an_odd_message_key_or_number_is_answered(bench: Bench, text: str) -> None:
    """Keys and references come from strangers; none may turn into an error of the database's."""
    (kept,) = bench.take(update(f"k{text}", EventType.NOTED, ref(f"A{text}")))
    assert kept.status == "kept"
    (again,) = bench.take(update(f"k{text}", EventType.NOTED, ref(f"A{text}")))
    assert again.status == "duplicate"
    assert bench.acknowledge(f"R{text}", HOTLINE).status == "kept"
