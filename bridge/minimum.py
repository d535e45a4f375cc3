"""Each system gets the personal data it needs and no more (最小必要, PIPL art. 6): here, and not in its adapter.

An adapter cannot pass on what it was never given, so a new one can forget nothing. A petitioner who asked for
confidentiality, or who wants to stay unnamed, is known to nobody who hands on to handling units: their name and number
are also struck from the words of the petition.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.adapter import IDENTITY, Manifest, Need
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
        return self.petition(petition), self._event(event, self._hidden_words(petition.petitioner))

    def petition(self, petition: Petition) -> Petition:
        """The petition without what the system does not need."""
        changes = _stripped(petition, self._needs(petition.petitioner))
        words = self._hidden_words(petition.petitioner)
        if words:
            changes["title"] = self.mask_words(petition.title, words)
            changes["content"] = self.mask_words(petition.content, words)
        return petition.model_copy(update=changes)

    def _needs(self, person: Petitioner) -> frozenset[Need]:
        return self.needs_confidential if person.confidential or person.anonymous else self.needs

    def _hidden_words(self, person: Petitioner) -> tuple[str, ...]:
        """The words by which a petitioner who must not be known could be known."""
        hidden = person.confidential or person.anonymous
        return _words(person) if hidden and not self._needs(person) >= IDENTITY else ()

    def _event(self, event: Event, words: tuple[str, ...]) -> Event:
        data = event.data
        changes: dict[str, Any] = {}
        if data.raw is not None:
            # What nobody understood may hold anything, and no system is told it.
            changes["raw"] = None
        if words and data.text:
            changes["text"] = self.mask_words(data.text, words)
        return event.model_copy(update={"data": data.model_copy(update=changes)}) if changes else event


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
