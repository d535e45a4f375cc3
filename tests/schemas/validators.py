"""JSON Schema validators over the files in `schemas/json/`, as an integrator without our models would use them."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

import schemas

ROOT = Path(schemas.__file__).parent


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    # In ECMA-262, whose expressions JSON Schema uses, `$` is the end; in Python it overlooks a last newline.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


@cache
def load(name: str) -> Any:
    """The document in this file of `schemas/json/`."""
    return json.loads((ROOT / "json" / f"{name}.json").read_text("utf-8"))


@cache
def validator(name: str) -> Any:
    """A validator for the published schema; `format` counts for UUIDs, times have a pattern."""
    return _Validator(load(name), format_checker=FormatChecker(["uuid"]))
