"""`python -m adapters.hotline12345.documents` writes `schemas/` and the tables of both READMEs, from models and tables.

A test holds them equal. A table stands between `<!-- generated: name -->` and `<!-- end -->`.
"""

import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic.json_schema import GenerateJsonSchema

from adapters.hotline12345 import codes, messages, standard, standard_questions, standard_report
from adapters.hotline12345.standard import Prescribed

Language = Literal["en", "zh"]
FOLDER: Final = Path(__file__).parent
READMES: Final[Mapping[Language, str]] = {"en": "README.md", "zh": "README.zh-CN.md"}
TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "field": ("field", "字段"),
    "type": ("type", "类型"),
    "needed": ("needed", "必填"),
    "meaning": ("meaning", "含义"),
    "name": ("name", "名称"),
    "in": ("hotline → bridge", "热线 → 桥"),
    "out": ("bridge → hotline", "桥 → 热线"),
    "read": ("they write", "对方所写"),
    "word": ("becomes", "读作"),
    "event": ("event", "事件"),
    "theirs": ("their case", "对方工单"),
    "ours": ("our case", "我方工单"),
}
_MARK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


# ── JSON Schemas ──


class _Untitled(GenerateJsonSchema):
    """A title says something on a message, and nothing on a field."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schemas() -> dict[str, str]:
    """File name → JSON Schema of every message on the wire."""
    groups = {
        "": messages.ENVELOPES,
        "action-": {**messages.ACTIONS, **messages.EXTENSION},
        "notice-": messages.NOTICES_ONLY,
        "result-": messages.ANSWERS,
    }
    named = {f"{group}{_kebab(name)}": model for group, found in groups.items() for name, model in found.items()}
    return {f"{name}.json": _schema(name, model) for name, model in named.items()}


def _schema(name: str, model: type[Prescribed]) -> str:
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:laiting:hotline12345:{name}:1",
    }
    body = model.model_json_schema(by_alias=True, schema_generator=_Untitled)
    return json.dumps(head | body, ensure_ascii=False, indent=2) + "\n"


def _kebab(name: str) -> str:
    return name.lower().replace("_", "-")


# ── tables ──


def table(language: Language, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    heads = [TITLES[column][language == "zh"] for column in columns]
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _fields(language: Language) -> str:
    """Every action with every field; what is named twice in the standard is written once."""
    parts = []
    shown: dict[type[Prescribed], list[str]] = {}
    for name, model in {**messages.ACTIONS, **messages.NOTICES_ONLY, **messages.EXTENSION}.items():
        shown.setdefault(model, []).append(name)
    for model, names in shown.items():
        parts.append(f"#### {', '.join(f'`{name}`' for name in names)}\n\n{_model(language, model)}\n")
    for title, model in _parts(language):
        parts.append(f"#### {title}\n\n{_model(language, model)}\n")
    return "\n" + "\n".join(parts)


def _parts(language: Language) -> Iterator[tuple[str, type[Prescribed]]]:
    yield "`medias[]`", standard.Media
    yield "`noticeList[]`", standard_questions.SignedNotice
    yield "`misRecEvaluation`", standard.Evaluation
    yield "`detailList[]`", standard.EvaluationDetail
    yield "`indicatorResult[]`", standard.IndicatorResult


def _model(language: Language, model: type[Prescribed]) -> str:
    skip = set(standard_report.WorkOrder.model_fields) if model is standard_report.UpdateCaseInfo else set()
    rows = [
        [
            f"`{field.alias}`",
            _type(model, str(field.alias)),
            _tick(field.is_required()),
            _said(field.description, language),
        ]
        for name, field in model.model_fields.items()
        if name not in skip or name == "case_id"
    ]
    more = {"en": "…and every optional field of `REPORT`.", "zh": "……及`REPORT`的全部选填字段。"}
    return table(language, ("field", "type", "needed", "meaning"), rows) + (f"\n{more[language]}\n" if skip else "")


def _type(model: type[Prescribed], alias: str) -> str:
    """The type as the JSON Schema has it, in short."""
    return _short(model.model_json_schema(by_alias=True)["properties"][alias])


def _short(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        kinds = [_short(one) for one in schema["anyOf"] if one.get("type") != "null"]
        return "/".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return " ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "integer" and "maximum" in schema:
        return f"int {schema['minimum']}…{schema['maximum']}"
    if schema.get("type") == "string" and str(schema.get("pattern", "")).startswith(r"^\d{4}"):
        return "time"
    if schema.get("type") == "string" and "maxLength" in schema:
        return f"text ≤{schema['maxLength']}"
    names = {"integer": "int", "string": "text", "array": "list", "boolean": "true/false", "object": "object"}
    return names.get(str(schema.get("type", "object")), str(schema.get("type")))


def _said(description: str | None, language: Language) -> str:
    zh, _, en = (description or "").partition(" · ")
    return zh if language == "zh" else en


def _tick(needed: bool) -> str:
    return "✓" if needed else ""


def _codes(name: str) -> Callable[[Language], str]:
    """A code table as it is built in: what they write, what it becomes."""

    def render(language: Language) -> str:
        found = getattr(codes.load(), name)
        return table(language, ("read", "word"), [[_key(key), _word(value)] for key, value in found.items()])

    return render


def _key(written: str) -> str:
    return f"`{written}`" if written else "–"


def _word(value: Any) -> str:
    return f"`{value}`" if isinstance(value, str) else ", ".join(f"{name} {said}" for name, said in value.items())


def _applications(language: Language) -> str:
    found = codes.load().applications
    rows = [[f"`{action}` {key}", f"`{word}`"] for action, table_ in found.items() for key, word in table_.items()]
    return table(language, ("read", "word"), rows)


def _tell(language: Language) -> str:
    rows = [
        [f"{event.zh} `{event}`" if language == "zh" else f"`{event}`", _way(told.theirs, told), _way(told.ours, told)]
        for event, told in codes.load().tell.items()
    ]
    return table(language, ("event", "theirs", "ours"), rows)


def _way(action: str, told: codes.Telling) -> str:
    return f"`ITEM_INST_SYNC` ({told.step})" if action == "ITEM_INST_SYNC" else f"`{action}`" if action else "–"


def coverage() -> dict[str, dict[str, dict[str, str]]]:
    """What the documents name → direction → the test that covers it: `coverage.toml`."""
    return tomllib.loads((FOLDER / "coverage.toml").read_text(encoding="utf-8"))


def _coverage(group: str) -> Callable[[Language], str]:
    def render(language: Language) -> str:
        rows = [
            [f"`{name}`", *(_test(found.get(way, ""), language) for way in ("in", "out"))]
            for name, found in coverage()[group].items()
        ]
        return table(language, ("name", "in", "out"), rows)

    return render


def _test(node: str, language: Language) -> str:
    """The file and the test; a reason where the direction does not exist."""
    if node.startswith("-"):
        en, _, zh = node.removeprefix("-").strip().partition(" · ")
        return f"– {zh if language == 'zh' else en}"
    return f"`{node}`"


TABLES: Final[Mapping[str, Callable[[Language], str]]] = {
    "fields": _fields,
    "tell": _tell,
    "applications": _applications,
    **{
        name: _codes(name)
        for name in (
            "kind_names",
            "rec_type_ids",
            "property_ids",
            "urgency",
            "item_actions",
            "postpone_units",
            "check_states",
            "notify_types",
            "notify_methods",
            "evaluate_states",
            "evaluate_stages",
            "evaluate_types",
            "speakers",
            "case_states",
            "notices",
        )
    },
    **{f"covered-{group}": _coverage(group) for group in ("actions", "notices", "codes", "values", "doors")},
}


def filled(text: str, language: Language) -> str:
    """A README with its tables as they should be. KeyError: a mark with an unknown name."""
    return _MARK.sub(lambda found: found[1] + TABLES[found[2]](language) + found[3], text)


def documents() -> dict[Path, str]:
    """Path → content of all that is generated."""
    written = {FOLDER / "schemas" / name: content for name, content in schemas().items()}
    for language, name in READMES.items():
        path = FOLDER / name
        written[path] = filled(path.read_text(encoding="utf-8"), language)
    return written


def main() -> int:
    (FOLDER / "schemas").mkdir(exist_ok=True)
    wanted = documents()
    for stale in set((FOLDER / "schemas").glob("*.json")) - set(wanted):
        stale.unlink()
    for path, content in wanted.items():
        path.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
