"""Each system gets the personal data it needs and no more (最小必要, PIPL art. 6): here, and not in its adapter.

An adapter cannot pass on what it was never given, so a new one can forget nothing. Who may not know the petitioner's
name and number does not read them in the words of the petition either; nor whatever else identifies somebody by its
form (an id number, another telephone, a number plate: `bridge.prose.mask`), for nobody can tell whose it is. So a
petitioner who asked for confidentiality, or who wants to stay unnamed, is known to nobody who hands on to handling
units.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge import masking
from bridge.adapter import IDENTITY, Manifest, Need
from bridge.prose import mask
from schemas.event import Event
from schemas.petition import Petition, Petitioner, Place

MaskWords = Callable[[str, tuple[str, ...]], str]
"""`(text, words) -> text` without these words, in whatever form they are written."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """What one system is given of a petition and of an event."""

    needs: frozenset[Need]
    needs_confidential: frozenset[Need]
    mask_words: MaskWords

    @classmethod
    def of(cls, manifest: Manifest, mask_words: MaskWords) -> "Minimum":
        return cls(manifest.needs, manifest.needs_confidential, mask_words)

    def given(self, petition: Petition, event: Event) -> tuple[Petition, Event]:
        """Both without what the system does not need."""
        return self.petition(petition), self._event(event, petition.petitioner)

    def petition(self, petition: Petition) -> Petition:
        """The petition without what the system does not need."""
        person = petition.petitioner
        changes = _stripped(petition, self._needs(person))
        if not self._knows(person):
            title, content = masking.headed(
                petition.title, petition.content, lambda text: mask(self._without_words(text, person))
            )
            changes |= {"title": title, "content": content}
        return petition.model_copy(update=changes)

    def _needs(self, person: Petitioner) -> frozenset[Need]:
        return self.needs_confidential if _hides(person) else self.needs

    def _knows(self, person: Petitioner) -> bool:
        """Whether the system may know who the petitioner is and call them."""
        return self._needs(person) >= {Need.NAME, Need.PHONE}

    def _without_words(self, text: str, person: Petitioner) -> str:
        words = _words(person)
        return self.mask_words(text, words) if words else text

    def _event(self, event: Event, person: Petitioner) -> Event:
        data, needs = event.data, self._needs(person)
        changes: dict[str, Any] = {}
        if data.raw is not None:
            # What nobody understood may hold anything, and no system is told it.
            changes["raw"] = None
        if data.place is not None and not needs >= {Need.ADDRESS, Need.COORDINATES}:
            changes["place"] = _place(data.place, needs)
        if data.attachments and Need.ATTACHMENTS not in needs:
            changes["attachments"] = ()
        changes |= {name: self._said(text, event, person) for name in _PROSE if (text := getattr(data, name))}
        return event.model_copy(update={"data": data.model_copy(update=changes)}) if changes else event

    def _said(self, text: str, event: Event, person: Petitioner) -> str:
        """The words of one piece of news."""
        if self._knows(person):
            return text
        if event.actor == "petitioner":
            return mask(self._without_words(text, person))
        if not _hides(person):
            return text
        said = self._without_words(text, person)
        # Who reaches the petitioner tells them what a unit wrote for them, its own telephone included.
        return said if Need.OPENID in self._needs(person) else mask(said)


_PROSE = ("text", "person")
"""What an event says in words; `person` may be the petitioner where a system puts its caller there."""


def _hides(person: Petitioner) -> bool:
    """Whether the petitioner must not be known to handling units."""
    return person.confidential or person.anonymous


def _stripped(petition: Petition, needs: frozenset[Need]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    withheld = {need for need in IDENTITY if need not in needs}
    if withheld:
        changes["petitioner"] = _person(petition.petitioner, withheld)
    if not needs >= {Need.ADDRESS, Need.COORDINATES}:
        changes["place"] = _place(petition.place, needs)
    if Need.SECRETARY not in needs and petition.secretary.name is not None:
        changes["secretary"] = petition.secretary.model_copy(update={"name": None})
    if Need.ATTACHMENTS not in needs and petition.attachments:
        changes["attachments"] = ()
    return changes


def _person(person: Petitioner, withheld: set[Need]) -> Petitioner:
    return person.model_copy(update={need.value.rpartition(".")[2]: None for need in withheld})


def _place(place: Place, needs: frozenset[Need]) -> Place:
    changes: dict[str, Any] = {}
    if Need.ADDRESS not in needs:
        changes["address"] = None
    if Need.COORDINATES not in needs:
        changes |= {"longitude": None, "latitude": None}
    return place.model_copy(update=changes)


def _words(person: Petitioner) -> tuple[str, ...]:
    """Two characters at least: one alone would blot out half of every text."""
    return tuple(word for word in (person.name, person.phone) if word and len(word) > 1)
