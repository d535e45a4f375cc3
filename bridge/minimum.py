"""Each system gets the personal data it needs and no more (最小必要, PIPL art. 6): here, and not in its adapter.

An adapter cannot pass on what it was never given, so a new one can forget nothing. A petitioner who asked for
confidentiality, or who wants to stay unnamed, is known to nobody who hands on to handling units: their name and number
are also struck from the words of the petition, and so is whatever identifies anybody by its form (an id number, another
telephone, a number plate: `bridge.prose.mask`), for nobody can tell whose it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
        if self._hides(person):
            changes["title"] = self._hidden(petition.title, person)
            changes["content"] = self._hidden(petition.content, person)
        return petition.model_copy(update=changes)

    def _needs(self, person: Petitioner) -> frozenset[Need]:
        return self.needs_confidential if person.confidential or person.anonymous else self.needs

    def _hides(self, person: Petitioner) -> bool:
        """Whether the petitioner must not be known there."""
        return (person.confidential or person.anonymous) and not self._needs(person) >= IDENTITY

    def _hidden(self, text: str, person: Petitioner) -> str:
        """Without the words by which the petitioner could be known."""
        words = _words(person)
        return mask(self.mask_words(text, words) if words else text)

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
        if self._hides(person):
            changes |= {name: self._hidden(text, person) for name in _PROSE if (text := getattr(data, name))}
        return event.model_copy(update={"data": data.model_copy(update=changes)}) if changes else event


_PROSE = ("text", "person")
"""What an event says in words; `person` may be the petitioner where a system puts its caller there."""


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
