"""The house rules a submission meets: its handling class and its owner."""

from collections.abc import Callable

from bridge.routing import Routes
from schemas.petition import HandlingClass, PetitionDraft, Secretary


class HouseRules:
    """Fills `bridge.ledger.accept.House`."""

    def __init__(
        self,
        routes: Routes,
        duty: Secretary,
        roster: Callable[[PetitionDraft], Secretary | None] = lambda draft: None,
        duplicate_days: float = 7.0,
        merge_repeats: bool = False,
    ) -> None:
        self._routes = routes
        self.duty = duty
        self._roster = roster
        self.duplicate_days = duplicate_days
        self.merge_repeats = merge_repeats

    def classify(self, draft: PetitionDraft, source: str) -> HandlingClass:
        handling_class, _ = self._routes.classify(
            source=source, kind=draft.kind.value, urgency=draft.urgency.value, region=draft.place.region_code or ""
        )
        return handling_class

    def owner(self, draft: PetitionDraft) -> Secretary:
        """Whose the place is; the duty secretary's where the roster says nothing (首问负责: never nobody's)."""
        return self._roster(draft) or self.duty
