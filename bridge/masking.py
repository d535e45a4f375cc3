"""What is shown of personal data without the scope `pii:read`: enough to recognise, not enough to call or visit."""

from collections.abc import Callable
from typing import Any

from bridge.prose import mask, mask_words
from schemas.petition import Petition, Petitioner


def name(text: str | None) -> str | None:
    """徐某某 → 徐**."""
    return text[:1] + "**" if text else text


def phone(text: str | None) -> str | None:
    """13900001234 → 139****1234."""
    if not text:
        return text
    return text[:3] + "****" + text[-4:] if len(text) >= 8 else "****"


def openid(text: str | None) -> str | None:
    return text[:4] + "****" if text else text


def words(text: str, person: Petitioner) -> str:
    """Free text without what its form betrays (numbers, plates, accounts) and without the petitioner's own name and
    number in any written form."""
    known = tuple(word for word in (person.name, person.phone) if word and len(word) > 1)
    return mask(mask_words(text, known) if known else text)


def headed(title: str, content: str, hide: Callable[[str], str]) -> tuple[str, str]:
    """Title and content, hidden. A title that is the first words of the content is cut from the hidden content (`hide`
    keeps lengths): where the cut goes through a number, what is left of it has no form any more."""
    hidden, head = hide(content), title.rstrip("…")
    if head and content.startswith(head):
        return hidden[: len(head)] + title[len(head) :], hidden
    return hide(title), hidden


def petition(clear: Petition) -> dict[str, Any]:
    """The petition for those without `pii:read`."""
    document = clear.model_dump(mode="json", exclude_none=True)
    person = clear.petitioner
    masked = {"name": name(person.name), "phone": phone(person.phone), "openid": openid(person.openid)}
    document["petitioner"] = {key: value for key, value in masked.items() if value} | {
        "anonymous": person.anonymous,
        "confidential": person.confidential,
    }
    for field in ("address", "longitude", "latitude"):
        document.get("place", {}).pop(field, None)
    title, content = headed(clear.title, clear.content, lambda text: words(text, person))
    document |= {"title": title, "content": content}
    document["masked"] = True
    return document
