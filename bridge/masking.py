"""What is shown of personal data without the scope `pii:read`: enough to recognise, not enough to call or visit."""

import re
from typing import Any

from schemas.petition import Petition

# Seven or more digits, also full-width ones, also in groups with blanks or hyphens between.
_DIGITS = re.compile(r"[0-9０-９](?:[\s\-－\u00a0\u3000\u200b-\u200d\u2010-\u2015\u2060\ufeff]{0,2}[0-9０-９Xx]){6,}")


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


def prose(text: str) -> str:
    """Long numbers in free text, their middle blotted out. Rather one number too many than one too few."""
    return _DIGITS.sub(lambda match: match[0][:3] + "****" + match[0][-2:], text)


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
    document["title"] = prose(clear.title)
    document["content"] = prose(clear.content)
    document["masked"] = True
    return document


def mask_words(text: str, words: tuple[str, ...]) -> str:
    """`text` without these words."""
    for word in words:
        text = text.replace(word, "＊＊")
    return text
