"""Who is whom on WeChat: who bound their openid themselves (the roster), and who is named in a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.adapter import Directory
from bridge.roster import Roster
from schemas.event import Event, UnitRole
from schemas.petition import HandlingClass, Petition


@dataclass(frozen=True, slots=True)
class Recipients:
    """`duty` is told whatever would otherwise reach no secretary (值班). The file wins over the roster: it is how an
    operator overrules it."""

    secretaries: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    duty: str | None = None
    directory: Directory = field(default_factory=Roster)

    def of(self, audience: str, event: Event, petition: Petition) -> str | None:
        """The openid to send to, or None if there is none."""
        if audience == "petitioner":
            return petition.petitioner.openid
        if audience == "unit" and (bound := self._of_unit(unit_of(event, petition))):
            return bound
        return self._of_secretary(petition.secretary.id) or self.duty

    def _of_secretary(self, secretary_id: str) -> str | None:
        return self.secretaries.get(secretary_id) or self.directory.of_secretary(secretary_id)

    def _of_unit(self, unit: str) -> str | None:
        return self.units.get(unit) or self.directory.of_unit(unit)


def unit_of(event: Event, petition: Petition) -> str:
    """The unit an event is about: its own, then its lead, then the petition's."""
    leads = [assignment.unit for assignment in event.data.units if assignment.role is UnitRole.LEAD]
    home, lead = petition.secretary.home_unit, petition.lead_unit
    known = (home, lead) if petition.handling_class is HandlingClass.HOME_UNIT else (lead, home)
    return event.data.unit or (leads[0] if leads else None) or known[0] or known[1] or ""


def load(path: str | None, duty: str | None, directory: Directory | None = None) -> Recipients:
    """The file's two tables `[secretaries]` (id = openid) and `[units]` (name = openid).

    Raises `ValueError` with one clear line.
    """
    people = directory or Roster()
    if path is None:
        return Recipients(duty=duty, directory=people)
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"BRIDGE_WECHAT__RECIPIENTS: {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"BRIDGE_WECHAT__RECIPIENTS: {path} is not TOML: {error}") from None
    if set(document) - {"secretaries", "units"}:
        raise ValueError(f"BRIDGE_WECHAT__RECIPIENTS: {path} may hold [secretaries] and [units] only")
    return Recipients(_table(document, "secretaries", path), _table(document, "units", path), duty, people)


def _table(document: dict[str, Any], name: str, path: str) -> dict[str, str]:
    table = document.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(openid, str) and openid for openid in table.values()):
        raise ValueError(f"BRIDGE_WECHAT__RECIPIENTS: {path}: [{name}] must map names to openids")
    return dict(table)
