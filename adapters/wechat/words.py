"""`words.toml` as checked objects: the texts, the phrases, the notices and the error policy."""

import string
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from schemas.event import EventType

SHIPPED = Path(__file__).with_name("words.toml")
LONGEST_PHRASE = 24

Purpose = Literal["accepted", "progress", "reply", "task"]
Audience = Literal["petitioner", "owner", "unit"]
Meaning = Literal["number", "title", "phrase", "time", "note", "text", "unit", "kind", "secretary", "due"]
Intent = Literal[
    "progress", "rate", "satisfied", "fair", "unsatisfied", "greeting", "thanks", "new", "bind", "confirm", "waiting"
]
Way = Literal["template", "subscribe", "customer_service"]
Speaker = Literal["petitioner", "bridge", "systems"]
NOTE_NAMES = frozenset({"text", "unit", "due", "class"})


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def placeholders(text: str) -> frozenset[str]:
    """The `{names}` in a text."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def only(names: Iterable[str]) -> Any:
    """A text whose `{names}` are all among `names`."""
    allowed = frozenset(names)

    def check(text: str) -> str:
        if not placeholders(text) <= allowed:
            raise ValueError(f"only these names may stand in braces: {', '.join(sorted(allowed)) or 'none'}")
        return text

    return field_validator("*", mode="after")(check)


class Say(Table):
    """What the service account answers."""

    welcome: str
    hint: str
    thanks: str
    accepted: str
    added: str
    how_to_begin: str
    how_to_bind: str
    bound: str
    bind_unknown: str
    bind_expired: str
    bind_used: str
    confirmed: str
    confirmed_already: str
    not_answered: str
    not_yours_to_confirm: str
    nothing_to_confirm: str
    to_confirm: str
    to_confirm_line: str
    to_confirm_more: str
    how_to_confirm: str
    none_brought: str
    none_numbered: str
    progress_one: str
    progress_many: str
    progress_line: str
    said: str
    how_to_rate: str
    nothing_to_rate: str
    rated_satisfied: str
    rated_fair: str
    rated_unsatisfied: str

    _names = only(("petition_id", "n", "date", "state", "said", "name", "title"))

    @field_validator("accepted", "added")
    @classmethod
    def _tells_the_number(cls, text: str) -> str:
        if "{petition_id}" not in text:
            raise ValueError("the citizen must be told the number: {petition_id} is missing")
        return text


class Notes(Table):
    """What a message without words becomes."""

    image: str
    voice: str
    video: str
    shortvideo: str
    location: str
    link: str

    _names = only(("label", "latitude", "longitude", "title", "description", "url"))


class Told(Table):
    """How one event is told to one audience."""

    purpose: Purpose
    phrase: str | None = None
    notes: tuple[str, ...] = Field(min_length=1)

    _needs: tuple[tuple[str, frozenset[str]], ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _read_names(self) -> Self:
        needs = tuple((note, placeholders(note)) for note in self.notes)
        if not all(names <= NOTE_NAMES for _, names in needs):
            raise ValueError(f"a note may name {', '.join(sorted(NOTE_NAMES))} only")
        self._needs = needs
        return self

    def note(self, values: Mapping[str, str]) -> str:
        """The first note whose names are all known; the last one otherwise, without them."""
        for note, names in self._needs:
            if all(values.get(name) for name in names):
                return note.format_map(values)
        return self.notes[-1].format_map(dict.fromkeys(NOTE_NAMES, ""))


class Policy(Table):
    """What to do about an error code."""

    do: Literal["token", "person", "way", "quota", "pause", "later", "permanent"]
    why: str
    seconds: float | None = Field(default=None, gt=0)


class Unreachable(Table):
    note: str


class CustomerService(Table):
    """The text of a customer-service message, which has no fields and room for all that was said."""

    petitioner: str
    owner: str
    unit: str

    _names = only(("number", "title", "phrase", "text", "note", "time", "unit"))


class RegisterTable(Table):
    """What the platform's own states say: a canonical state, or "" for one that says nothing about the case."""

    states: dict[str, str]


class Events(Table):
    unused: frozenset[str]

    @field_validator("unused")
    @classmethod
    def _folded(cls, names: frozenset[str]) -> frozenset[str]:
        return frozenset(name.casefold() for name in names)


Notices = dict[EventType, dict[Audience, Told]]
Layout = Annotated[dict[str, Meaning], Field(min_length=1)]


class Words(Table):
    """All of `words.toml`."""

    say: Say
    notes: Notes
    titles: dict[str, str]
    phrases: dict[Intent, tuple[str, ...]]
    menu: dict[str, Intent]
    states: dict[str, str]
    events: Events
    templates: dict[Purpose, Layout]
    subscribe: dict[Purpose, Layout]
    customer_service: CustomerService
    audiences: dict[Audience, Told]
    unreachable: Unreachable
    events_told: dict[EventType, str]
    notices: Notices
    bridge: Notices = Field(default_factory=dict)
    systems: Notices = Field(default_factory=dict)
    errors: dict[int, Policy]
    deliveries: dict[str, str]
    register_: RegisterTable = Field(alias="register")

    _intents: dict[str, Intent] = PrivateAttr(default_factory=dict)

    @field_validator("templates", "subscribe")
    @classmethod
    def _times_are_times(cls, templates: dict[Purpose, Layout]) -> dict[Purpose, Layout]:
        wrong = [key for layout in templates.values() for key in layout if is_time(key) and layout[key] != "time"]
        if wrong or len(templates) != len(get_args(Purpose)):
            raise ValueError("all four templates are needed, and a time field can carry the event's time only")
        return templates

    @model_validator(mode="after")
    def _index(self) -> Self:
        self._intents = {plain(phrase): intent for intent, phrases in self.phrases.items() for phrase in phrases}
        return self

    def intent(self, text: str) -> Intent | None:
        """What a short text asks for, or None: then it is something to be taken in."""
        return self._intents.get(plain(text)) if len(text) <= LONGEST_PHRASE else None

    def begun(self, text: str, intent: Intent) -> str | None:
        """What follows a word that begins a text (新诉求：…, 绑定 …), or None if it does not begin with one."""
        for phrase in sorted(self.phrases[intent], key=len, reverse=True):
            head = text.lstrip()
            if head.startswith(phrase):
                return head.removeprefix(phrase).lstrip(" 　:：,，.。、-—\r\n\t")
        return None

    def told(self, event: EventType, audience: Audience, by: Speaker = "petitioner") -> Told:
        """How `event`, said by `by`, is told to `audience`."""
        special: Mapping[Speaker, Notices] = {"bridge": self.bridge, "systems": self.systems}
        notices = special.get(by, {}).get(event) or self.notices.get(event, {})
        return notices.get(audience) or self.audiences[audience]


def is_time(key: str) -> bool:
    return key.startswith(("time", "date"))


def plain(text: str) -> str:
    """Letters and digits alone, in one width and case: `“ 满意！👍 ”` is `满意`."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def load(path: str | None = None) -> Words:
    """The words in the file at `path`, or the shipped ones. Raises `ValueError` with one clear line."""
    return _read(Path(path)) if path else _shipped()


@cache
def _shipped() -> Words:
    # Part of the package: it does not change while a process runs.
    return _read(SHIPPED)


def _read(source: Path) -> Words:
    try:
        return Words.model_validate(tomllib.loads(source.read_text(encoding="utf-8")), strict=False)
    except OSError as error:
        raise ValueError(f"BRIDGE_WECHAT__WORDS: {source} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"BRIDGE_WECHAT__WORDS: {source} is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"BRIDGE_WECHAT__WORDS: {source}: {where}: {first['msg']}") from None
