"""`python -m adapters.wechat.documents` writes `schemas/` and the tables of both READMEs, from models and tables.

A test holds them equal. A table stands between `<!-- generated: name -->` and `<!-- end -->`.
"""

import json
import re
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from adapters.wechat import messages, pushes, register, words
from adapters.wechat.words import Told, Words
from schemas.event import EventType

Language = Literal["en", "zh"]
FOLDER: Final = Path(__file__).parent
READMES: Final[Mapping[Language, str]] = {"en": "README.md", "zh": "README.zh-CN.md"}
TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "field": ("field", "字段"),
    "type": ("type", "类型"),
    "needed": ("needed", "必填"),
    "meaning": ("meaning", "含义"),
    "name": ("name", "名称"),
    "in": ("platform → bridge", "平台 → 桥"),
    "out": ("bridge → platform", "桥 → 平台"),
    "code": ("code", "错误码"),
    "do": ("what we do", "处理方式"),
    "why": ("meaning", "含义"),
    "event": ("event", "事件"),
    "petitioner": ("petitioner", "诉求人"),
    "owner": ("owner secretary", "书记"),
    "unit": ("unit", "单位"),
    "purpose": ("purpose", "用途"),
    "template": ("template fields", "模板消息字段"),
    "subscribe": ("subscribe fields", "订阅消息字段"),
    "intent": ("is taken as", "读作"),
    "phrases": ("the citizen writes", "市民所写"),
    "word": ("they say", "平台状态"),
    "becomes": ("becomes", "读作"),
}
GROUPS: Final[Mapping[str, tuple[str, str]]] = {
    "messages": ("message types", "消息类型"),
    "events": ("events", "事件"),
    "modes": ("modes and bodies", "加密方式与报文格式"),
    "calls": ("calls", "接口"),
    "statuses": ("delivery statuses", "送达状态"),
    "fields": ("template fields", "模板字段"),
    "errors": ("error codes", "错误码"),
    "register": ("the platform's list", "平台名册接口"),
}
_DO: Final[Mapping[str, tuple[str, str]]] = {
    "token": ("fetch the token anew, repeat once, then come back", "重新取令牌，重试一次，再不行稍后再来"),
    "person": (
        "no way gets there: the others are told, the owner is asked to call",
        "此人收不到：告知其他人，请书记致电",
    ),
    "way": ("the next way is tried; after the last the owner is asked to call", "换一种方式；都不行则请书记致电"),
    "quota": (
        "nothing more this way until midnight in Shanghai, another way meanwhile; never cleared automatically",
        "当日此方式停用至零点，其间换其他方式；绝不自动清零",
    ),
    "pause": ("wait {seconds} s; another way if one is open", "暂停{seconds}秒，可换其他方式"),
    "later": ("come back{after}", "稍后再来{after}"),
    "permanent": ("parked for a person", "挂起待办"),
}  # fmt: skip
_MARK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)

WIRE: Final[Mapping[str, type[BaseModel]]] = {
    **{f"push-{name}": model for name, model in pushes.MESSAGES.items()},
    **{f"push-event-{name.lower().replace('_', '-')}": model for name, model in pushes.EVENTS.items()},
    "push-sealed": pushes.Sealed,
    "reply": messages.Reply,
    "reply-sealed": messages.SealedReply,
    "call-stable-token": messages.TokenRequest,
    "call-template-send": messages.TemplateMessage,
    "call-subscribe-bizsend": messages.SubscribeMessage,
    "call-custom-send": messages.CustomMessage,
    "answer": messages.Answer,
    "answer-stable-token": messages.TokenAnswer,
    "platform-query": register.Asked,
    "platform-query-answer": register.Page,
    "platform-get": register.Wanted,
    "platform-get-answer": register.Whole,
}
"""Every document on the wire; the form door's is `schemas/json/petition-document.json` of the core."""


# ── JSON Schemas ──


class _Untitled(GenerateJsonSchema):
    """A title says something on a document, and nothing on a field."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schemas() -> dict[str, str]:
    """File name → JSON Schema of every document on the wire."""
    return {f"{name}.json": _schema(name, model) for name, model in WIRE.items()}


def _schema(name: str, model: type[BaseModel]) -> str:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:laiting:wechat:{name}:1"}
    body = model.model_json_schema(by_alias=True, schema_generator=_Untitled)
    return json.dumps(head | body, ensure_ascii=False, indent=2) + "\n"


# ── tables ──


def table(language: Language, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    heads = [TITLES[column][language == "zh"] for column in columns]
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _pushes(language: Language) -> str:
    """Every message and event with its own fields; what all of them have stands first."""
    common = "\n" + table(language, ("field", "type", "needed", "meaning"), _rows(language, pushes.Message, ()))
    shared = tuple(pushes.Message.model_fields)
    parts = [common]
    for name, model in {**pushes.MESSAGES, **pushes.EVENTS}.items():
        rows = _rows(language, model, (*shared, "MsgType", "Event"))
        title = f"\n**`{name}`** {_half(language, model.__doc__ or '')}\n"
        parts.append(title + ("\n" + table(language, ("field", "type", "needed", "meaning"), rows) if rows else ""))
    return "".join(parts)


def _rows(language: Language, model: type[BaseModel], without: Sequence[str]) -> list[tuple[str, ...]]:
    properties = model.model_json_schema(by_alias=True)["properties"]
    rows: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        if name not in without:
            needed = ("yes", "是")[language == "zh"] if field.is_required() else ""
            rows.append((f"`{name}`", _type(properties[name]), needed, _half(language, field.description or "")))
    return rows


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        kinds = [_type(one) for one in field["anyOf"] if one.get("type") != "null"]
        return " / ".join(dict.fromkeys(kinds))
    return str(field.get("type", "object"))


def _half(language: Language, text: str) -> str:
    """`English · 中文`: the half of that language."""
    english, _, chinese = text.rstrip(".").partition(" · ")
    return (chinese or english) if language == "zh" else english


def _errors(language: Language) -> str:
    rows = []
    for code, policy in sorted(_words().errors.items()):
        seconds = f"{policy.seconds:g}" if policy.seconds else ""
        after = (f" in {seconds} s", f"（{seconds}秒）")[language == "zh"] if seconds else ""
        do = _DO[policy.do][language == "zh"].format(seconds=seconds, after=after)
        rows.append((f"`{code}`", policy.why, do))
    return table(language, ("code", "why", "do"), rows)


def _told(language: Language) -> str:
    """Which event is told to whom, by which template."""
    found = _words()
    rows = []
    for event in EventType:
        if event not in found.events_told:
            rows.append((f"`{event}` {event.zh}", *(["–"] * 3)))
            continue
        rows.append((f"`{event}` {event.zh}", *_cells([found.told(event, who) for who in _AUDIENCES])))
        for by, special in (("bridge", found.bridge), ("systems", found.systems)):
            if event in special:
                speaker = _SPEAKERS[by][language == "zh"]
                cells = _cells([special[event].get(who) for who in _AUDIENCES])
                rows.append((f"`{event}` {event.zh} · {speaker}", *cells))
    return table(language, ("event", *_AUDIENCES), rows)


def _cells(told: Sequence[Told | None]) -> list[str]:
    return [f"{one.purpose}：{' / '.join(one.notes)}" if one else "–" for one in told]


_SPEAKERS: Final = {"bridge": ("said by the bridge", "本系统提醒"), "systems": ("said by a system", "其他系统告知")}
_AUDIENCES: Final[tuple[Literal["petitioner", "owner", "unit"], ...]] = ("petitioner", "owner", "unit")


def _templates(language: Language) -> str:
    found = _words()
    rows = [
        (
            f"`{purpose}`",
            ", ".join(f"`{key}` {meaning}" for key, meaning in found.templates[purpose].items()),
            ", ".join(f"`{key}` {meaning}" for key, meaning in found.subscribe[purpose].items()),
        )
        for purpose in found.templates
    ]
    return table(language, ("purpose", "template", "subscribe"), rows)


def _phrases(language: Language) -> str:
    rows = [(f"`{intent}`", "、".join(phrases)) for intent, phrases in _words().phrases.items()]
    return table(language, ("intent", "phrases"), rows)


def _unused(language: Language) -> str:
    with (FOLDER / "words.toml").open("rb") as file:
        names = tomllib.load(file)["events"]["unused"]
    return ", ".join(f"`{name}`" for name in names) + "\n"


def _statuses(language: Language) -> str:
    fates = [(f"`{said or '…'}`", f"`{code}`" if code else "✓") for said, code in _words().deliveries.items()]
    return table(language, ("word", "becomes"), fates)


def _register_states(language: Language) -> str:
    rows = [(f"`{word}`", f"`{state}`" if state else "–") for word, state in _words().register_.states.items()]
    return table(language, ("word", "becomes"), rows)


def _coverage(language: Language) -> str:
    """What the documents name, and the test of each direction."""
    parts = []
    for group, rows in coverage().items():
        title = f"\n**{GROUPS[group][language == 'zh']}**\n\n"
        lines = [(f"`{name}`", _test(row["in"]), _test(row["out"])) for name, row in rows.items()]
        parts.append(title + table(language, ("name", "in", "out"), lines))
    return "".join(parts)


def _test(node: str) -> str:
    return node.removeprefix("-").strip() if node.startswith("-") else f"`{node}`"


def coverage() -> dict[str, dict[str, dict[str, str]]]:
    """`coverage.toml`."""
    with (FOLDER / "coverage.toml").open("rb") as file:
        return tomllib.load(file)


TABLES: Final[Mapping[str, Callable[[Language], str]]] = {
    "pushes": _pushes,
    "unused": _unused,
    "phrases": _phrases,
    "templates": _templates,
    "told": _told,
    "statuses": _statuses,
    "errors": _errors,
    "register": _register_states,
    "coverage": _coverage,
}


def _words() -> Words:
    return words.load()


# ── files ──


def readme(language: Language) -> str:
    """The README with its generated parts anew."""
    text = (FOLDER / READMES[language]).read_text(encoding="utf-8")
    return _MARK.sub(lambda mark: f"{mark[1]}{TABLES[mark[2]](language)}{mark[3]}", text)


def documents() -> dict[Path, str]:
    """Everything generated: path → content."""
    found = {FOLDER / "schemas" / name: content for name, content in schemas().items()}
    return found | {FOLDER / name: readme(language) for language, name in READMES.items()}


def main() -> int:
    (FOLDER / "schemas").mkdir(exist_ok=True)
    for stale in set((FOLDER / "schemas").iterdir()) - set(documents()):
        stale.unlink()
    for path, content in documents().items():
        path.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
