"""`python -m adapters.governance_center.documents`: the generated parts of the interface document.

The JSON Schemas of every message (`schemas/`) and the tables of both READMEs, from the wire models, the code tables and
`interface.toml`. With `--check` it writes nothing and names what differs.
"""

import json
import re
import sys
import tomllib
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel
from pydantic.json_schema import GenerateJsonSchema

from adapters.governance_center import guard, listing, our_answers, wire
from adapters.governance_center.codes import SHIPPED, Codes, load

FOLDER = Path(__file__).parent
INTERFACE = FOLDER / "interface.toml"
SCHEMAS = FOLDER / "schemas"
PAGES = {"en": FOLDER / "README.md", "zh": FOLDER / "README.zh-CN.md"}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
PLATFORMS = ("jiangyin", "ffcs", "digital_village", "wecom", "digital_city", "four_platforms", "emergency", "lifeline")

Table = Mapping[str, Any]

# ── JSON Schemas ──────────────────────────────────────────────────────────────────────────────────────────

NEEDS_A_NUMBER = {"anyOf": [{"required": ["eventId"]}, {"required": ["members"]}]}
MESSAGES: Mapping[str, tuple[type[BaseModel], str, str]] = {
    "event-document": (wire.EventDocument, "Event document", "事件报文"),
    "answer": (our_answers.EventAnswer, "Our answer to an event document", "本桥对事件报文的应答"),
    "batch-answer": (our_answers.BatchAnswer, "Our answer to a batch", "本桥对批量报文的应答"),
    "look-up-answer": (our_answers.LookUpAnswer, "Our answer to a look-up", "本桥对查询的应答"),
    "center-answer": (wire.Answer, "The center's answer, in every shape that is read", "对方应答（可识读的各种写法）"),
    "register-query": (listing.ListQuery, "Query of the center's register", "对账查询"),
    "register-list": (listing.Listing, "One page of the center's register", "对账清单（一页）"),
    "register-report": (listing.Reported, "One report of the center's register", "对账取件"),
}
"""Name of the file → model, title in English, title in Chinese."""


class _Generator(GenerateJsonSchema):
    """Titles on messages, not on every field."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schemas() -> dict[str, str]:
    """File name → content."""
    found = {f"{name}.json": _text(_schema(name)) for name in MESSAGES}
    return {**found, "event-batch.json": _text(_batch())}


def _schema(name: str) -> dict[str, Any]:
    model, english, chinese = MESSAGES[name]
    document = model.model_json_schema(schema_generator=_Generator)
    _spell_out(document, model)
    document["title"] = f"{english} {chinese}"
    if name == "event-document":
        document |= {"required": ["op"], **NEEDS_A_NUMBER}
        document["properties"] = {key: _described(key, one) for key, one in document["properties"].items()}
    return {"$schema": DIALECT, "$id": f"urn:laiting:governance_center:{name}:1", **document}


def _spell_out(document: dict[str, Any], model: type[BaseModel]) -> None:
    """pydantic writes one name of a field that has several: here stands each of them."""
    for info in model.model_fields.values():
        if isinstance(info.validation_alias, AliasChoices):
            names = [str(choice) for choice in info.validation_alias.choices]
            written = next(document["properties"].pop(known) for known in names if known in document["properties"])
            document["properties"] |= dict.fromkeys(names, written)
    entry = document.get("$defs", {}).get("AttachmentEntry")
    if entry is not None and "FileName" not in entry["properties"]:
        _spell_out(entry, wire.AttachmentEntry)


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    known = _interface()["fields"][name]
    return {**schema, "description": f"{known['en']} {known['zh']} ({known['type']}; {known['seen']})".replace("`", "")}


def _batch() -> dict[str, Any]:
    one = {"$ref": "urn:laiting:governance_center:event-document:1"}
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": 100}
    wrapped = {"type": "object", "required": ["events"], "properties": {"events": many}}
    head = {"$schema": DIALECT, "$id": "urn:laiting:governance_center:event-batch:1"}
    return {**head, "title": "Batch of event documents 批量事件报文", "anyOf": [many, wrapped]}


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


@cache
def _interface() -> dict[str, Any]:
    return tomllib.loads(INTERFACE.read_text(encoding="utf-8"))


# ── tables of the READMEs ─────────────────────────────────────────────────────────────────────────────────

HEADS = {
    "fields": ("field|中文|meaning|on the wire|becomes|seen", "字段|名称|报文中的写法|对应|出处"),
    "only_sent": ("field|中文|meaning", "字段|名称"),
    "ops": ("op|中文|meaning|center → bridge becomes|bridge → center says|seen", "op|名称|收到后成为|何时发出|出处"),
    "ignored": ("name|why", "名称|原因"),
    "aliases": ("platform|names read as ours", "平台|读作本页字段的名称"),
    "codes": ("table|codes → meaning", "代码表|代码 → 含义"),
    "status": ("platform|codes → what they become", "平台|代码 → 含义"),
    "urgency": ("platform|codes → urgency|codes of its answers that accept", "平台|代码 → 紧急程度|受理的应答码"),
    "answers": ("message of a refusal has|we do|code", "拒绝信息中含|处置|原因码"),
    "refusals": ("reason|what the caller reads", "原因码|对方看到的信息"),
    "coverage": ("what|named in|names|center → bridge|bridge → center", "内容|出处|名称|对方→桥|桥→对方"),
}
ERRORS = {
    "permanent": {"en": "park for a person", "zh": "挂起待办"},
    "busy": {"en": "come back later", "zh": "稍后再发"},
    "unknown": {"en": "look up before sending again", "zh": "先查询，再决定是否重发"},
    "transient": {"en": "send again", "zh": "重发"},
}
CODE_TABLES = (
    *("kind", "role", "part", "petitioner", "supervision", "remind", "supervise_state", "supervise_reason"),
    *("supervised_by", "check", "interval", "satisfaction", "resolved", "speakers", "peers"),
)


def tables(language: str) -> dict[str, str]:
    """Name of the block → its Markdown table in `language` (en, zh)."""
    codes, known = load("words"), _interface()
    rows: dict[str, list[list[str]]] = {
        "fields": [_field(name, one, language) for name, one in known["fields"].items()],
        "only_sent": [_both(name, one, language) for name, one in known["only_sent"].items()],
        "ops": [_op(name, one, language) for name, one in known["ops"].items()],
        "ignored": [[_code(name), why] for name, why in _ignored(codes).items()],
        "aliases": [_aliases(platform) for platform in ("words", *PLATFORMS) if _own(platform, "aliases")],
        "codes": [[_code(name), _meanings(getattr(codes, name))] for name in CODE_TABLES],
        "status": [[_code(platform), _statuses(platform)] for platform in ("words", *PLATFORMS)],
        "urgency": [_urgency(platform) for platform in ("words", *PLATFORMS)],
        "answers": [_refusal(one.words, one.error, one.code, language) for one in codes.answers.refusals],
        "refusals": [[_code(reason), message] for reason, message in guard.REFUSALS.items()],
        "coverage": [_covered(row, language) for row in known["coverage"]],
    }
    return {name: _table(HEADS[name][language == "zh"], rows[name]) for name in HEADS}


def _table(head: str, rows: list[list[str]]) -> str:
    columns = head.split("|")
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in lines)


def _code(text: str) -> str:
    return f"`{text}`"


def _field(name: str, one: Table, language: str) -> list[str]:
    if language == "zh":
        return [_code(name), one["zh"], _zh(one["type"]), _zh(one["becomes"]), one["seen"]]
    return [_code(name), one["zh"], one["en"], one["type"], one["becomes"], one["seen"]]


def _both(name: str, one: Table, language: str) -> list[str]:
    return [_code(name), one["zh"]] if language == "zh" else [_code(name), one["zh"], one["en"]]


def _op(name: str, one: Table, language: str) -> list[str]:
    if language == "zh":
        return [_code(name), one["zh"], _zh(one["becomes"]), _zh(one["says"]), one["seen"]]
    return [_code(name), one["zh"], one["en"], one["becomes"], one["says"], one["seen"]]


def _zh(cell: str) -> str:
    """The cell in Chinese; names in backticks stay. KeyError where `interface.toml` has no words for it."""
    known: Mapping[str, str] = _interface()["zh"]
    english = re.search(r"[A-Za-z]{2}", re.sub(r"`[^`]*`", "", cell))
    return known[cell] if english else cell


def _ignored(codes: Codes) -> dict[str, str]:
    return {**codes.ops_ignored, **codes.peers_ignored, **codes.fields_ignored}


def _own(platform: str, table: str) -> Mapping[str, Any]:
    """What the platform says itself; for `words` what all share."""
    shipped = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    if platform == "words" and table == "aliases":
        return dict(shipped["aliases"])
    return dict(shipped["platform"][platform].get(table, {}))


def _aliases(platform: str) -> list[str]:
    return [_code(platform), ", ".join(f"`{alias}` → `{name}`" for alias, name in _own(platform, "aliases").items())]


def _meanings(table: Mapping[str, Any]) -> str:
    by_meaning: dict[str, list[str]] = {}
    for code, meaning in table.items():
        by_meaning.setdefault(str(meaning), []).append(f"`{code}`" if code else "–")
    return "; ".join(f"{' '.join(codes)} → {meaning}" for meaning, codes in by_meaning.items())


def _statuses(platform: str) -> str:
    rules = load(platform).status
    said = [
        f"`{code}`{' ' + rules[code].zh if rules[code].zh else ''} → {rules[code].event or '–'}"  # type: ignore[operator]
        for code in _own(platform, "status")
    ]
    return "; ".join(said) or "–"


def _urgency(platform: str) -> list[str]:
    accepted = ", ".join(_code(code) for code in load(platform).answers.accepted)
    return [_code(platform), _meanings(_own(platform, "urgency")) or "–", accepted]


def _refusal(words: tuple[str, ...], error: str, code: str, language: str) -> list[str]:
    return [", ".join(words), ERRORS[error][language], _code(code)]


def _covered(row: Table, language: str) -> list[str]:
    names = " ".join(_code(name) if name else "–" for name in covered_names(row))
    there = [_code(row[way]) if row[way] else f"– ({row['why'][language]})" for way in ("in", "out")]
    return [row["what"][language], row["where"], names, *there]


def covered_names(row: Table) -> list[str]:
    """The names a row of the coverage table stands for: its own list, or every entry of a code table."""
    if "names" in row:
        return list(row["names"])
    table = row["of"]
    if table in ("status", "urgency", "aliases"):
        return list(dict.fromkeys(code for name in ("words", *PLATFORMS) for code in getattr(load(name), table)))
    return list(getattr(load("words"), table))


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────


def page(text: str, language: str) -> str:
    """The page with every generated block as it should be."""
    found = tables(language)
    return BLOCK.sub(lambda block: block[1] + found[block[2]] + block[3], text)


def differing() -> dict[Path, str]:
    """Path → what should stand there, for every file that differs."""
    wanted = {SCHEMAS / name: content for name, content in schemas().items()}
    wanted |= {path: page(path.read_text(encoding="utf-8"), language) for language, path in PAGES.items()}
    return {path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}


def main(say: Callable[[str], object] = print) -> int:
    parser = ArgumentParser(prog="python -m adapters.governance_center.documents", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name the files that differ")
    check = parser.parse_args().check
    SCHEMAS.mkdir(exist_ok=True)
    stale = differing()
    for path, text in stale.items():
        if not check:
            path.write_text(text, encoding="utf-8")
        say(f"{path}: {'differs' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
