"""How the sandboxed hotline misbehaves in its own dialect; what any system can do wrong is in `bridge.sandbox`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from adapters.hotline12345 import envelope, times


@dataclass(slots=True)
class Manners:
    """Counts are for the next so many calls (-1: until told otherwise).

    What it answers: `refuse` with the code `refusal` and the words `words`; `lying`: success, and nothing was done;
    `nameless`: success without its two numbers; `contradict`: `success` false and `hasError` true around code 0;
    `renamed`: keys with capitals, the code as text, the result as JSON inside a string. `partial`: of a
    NOTICE_SIGNING only the first notice is signed; `no_dictionary`: its dictionary is away. What it tells: `twice`
    every update twice under one uid; `again` a second time under another; `late`: so many updates are kept back and
    told after the one that follows. `strict`: what the documents do not allow is refused.
    """

    strict: bool = True
    refuse: int = 0
    refusal: int = envelope.UNKNOWN_FAULT
    words: str = "未知异常"
    lying: int = 0
    nameless: int = 0
    contradict: bool = False
    renamed: bool = False
    partial: int = 0
    no_dictionary: int = 0
    twice: bool = False
    again: bool = False
    late: int = 0
    odd: bool = False

    def strikes(self, name: str) -> bool:
        """Whether the present call is hit by a counted mood; counts down."""
        left: int = getattr(self, name)
        if left == 0:
            return False
        setattr(self, name, left - (left > 0))
        return True

    def behave(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Take on what is asked, and only that; what is not named is as good as new. KeyError: an unknown name."""
        known = {one.name for one in fields(self)}
        if strange := asked.keys() - known:
            raise KeyError(", ".join(sorted(strange)))
        for name, value in {**asdict(Manners()), **asked}.items():
            setattr(self, name, value)
        return asdict(self)

    def dressed(self, document: dict[str, Any]) -> dict[str, Any]:
        """An answer in the words of the mood."""
        if self.contradict and document["code"] == envelope.OK:
            document = document | {"success": False, "hasError": True}
        if self.renamed:
            told = {**document, "code": str(document["code"]), "result": json.dumps(document["result"])}
            document = {name[0].upper() + name[1:]: value for name, value in told.items()}
        return document

    def written(self, data: Mapping[str, Any]) -> Any:
        """What it tells, as the mood writes it."""
        if not self.odd:
            return data
        told = {_RENAMED.get(name, name): _odd(name, value) for name, value in data.items()}
        return json.dumps({**told, "altpsRec": False, "sourceSystem": "", "finishTime": "0001-01-01T00:00:00"})


_RENAMED = {"caseNum": "casNum"}


def _odd(name: str, value: Any) -> Any:
    moment = times.read_or_none(value) if name.endswith(("Time", "Deadline")) and isinstance(value, str) else None
    if moment is not None:
        # By the length of the name, so that each of the forms is met in every message with a few times.
        forms = (str(int(moment.timestamp() * 1000)), moment.strftime("%Y/%m/%d %H:%M:%S"), moment.isoformat())
        return forms[len(name) % 3]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return str(value)
