"""A difference between the two lists, and what became of it. Ids, states, digests' names: nothing personal."""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The six classes (对账差异)."""

    MISSING_THERE = "missing_there"
    MISSING_HERE = "missing_here"
    STATE_MISMATCH = "state_mismatch"
    FIELD_MISMATCH = "field_mismatch"
    DUPLICATE = "duplicate"
    ORPHAN_ATTACHMENT = "orphan_attachment"

    @property
    def zh(self) -> str:
        return KIND_ZH[self]


KIND_ZH = {
    Kind.MISSING_THERE: "对方缺失",
    Kind.MISSING_HERE: "我方缺失",
    Kind.STATE_MISMATCH: "状态不一致",
    Kind.FIELD_MISMATCH: "字段不一致",
    Kind.DUPLICATE: "重复",
    Kind.ORPHAN_ATTACHMENT: "附件无主",
}


class Resolution(StrEnum):
    """What became of a difference."""

    OPEN = "open"
    HANDED_OVER_AGAIN = "handed_over_again"
    TAKEN_IN = "taken_in"
    FOR_PEOPLE = "for_people"

    @property
    def zh(self) -> str:
        return RESOLUTION_ZH[self]


RESOLUTION_ZH = {
    Resolution.OPEN: "待处理",
    Resolution.HANDED_OVER_AGAIN: "已重新交接",
    Resolution.TAKEN_IN: "已补收",
    Resolution.FOR_PEOPLE: "转人工核对",
}

HERE, THERE = "here", "there"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `side`: where it is to be mended; `number` the system's own; `detail` says what differs."""

    kind: Kind
    side: str
    petition_id: str | None = None
    number: str | None = None
    detail: str = ""
    resolution: Resolution = Resolution.OPEN
    why: str | None = None

    def resolved(self, resolution: Resolution, why: str | None = None) -> "Difference":
        return replace(self, resolution=resolution, why=why)

    def as_json(self) -> dict[str, Any]:
        """Plain text throughout: the report is canonical JSON, which knows no enumerations."""
        said = {**asdict(self), "kind": self.kind.value, "resolution": self.resolution.value}
        return {name: value for name, value in said.items() if value is not None}
