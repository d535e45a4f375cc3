"""What has letters in it: number plates, e-mail addresses, accounts of chat programs, passports."""

import re
from collections.abc import Iterator

from bridge.prose.spans import Kind, Span

_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_ALNUM = "A-Za-z0-9Ａ-Ｚａ-ｚ０-９"
_POINT = r"[\s·•・.．\-－]?"
_ENERGY = "A-HJKa-hjkＡ-ＨＪＫ"
_HAS_DIGIT = rf"(?=[{_ALNUM}]{{0,4}}[0-9０-９])"
# GA 36: five signs behind the office's letter; six, one of these letters first or last, for new energy. A standard
# (新GB50096-2011) and a ward of anonymised texts (湘A1区) are none.
_PLATE = re.compile(
    rf"[{_PROVINCE}]\s?[A-Za-zＡ-Ｚａ-ｚ]{_POINT}{_HAS_DIGIT}"
    rf"(?:[{_ENERGY}][{_ALNUM}][0-9０-９]{{4}}|[0-9０-９]{{5}}[{_ENERGY}]|[{_ALNUM}]{{4}}[{_ALNUM}挂学警港澳使领])"
    rf"(?![{_ALNUM}*])(?!-(?:19|20)[0-9]{{2}})"
)
# With a word in front the first sign may be another one (an anonymised province), or missing.
_SAID_PLATE = re.compile(
    rf"车牌(?:号码|号|照)?+[是为\s:：]{{0,3}}+([^\W\d_]?[A-Za-zＡ-Ｚａ-ｚ]{_POINT}{_HAS_DIGIT}"
    rf"[{_ALNUM}]{{4,6}}+[挂学警港澳使领]?+)(?![{_ALNUM}*])"
)
_EMAIL = re.compile(
    r"(?<![A-Za-z\d._%+@＠-])(?<!\*{4})[A-Za-z0-9._%+-]{1,64}+[@＠](?:[A-Za-z0-9-]{1,63}+\.){1,4}?[A-Za-z]{2,24}+"
    r"(?:\.[A-Za-z]{2,24}+){0,2}+"
)
_IS = r"[是为]?+[\s:：（(]{0,3}+"
_NUMBER = rf"(?:号码|账号|帐号|号|ID)?+{_IS}"
_OURS = "(?!LT[0-9]{6}-)"  # a petition's own number is no account
_WECHAT = "微信|威信|薇信|徽信|wechat|weixin|v信|(?<![a-z])[vw]x"
# A word alone (微信paper) is an account only where 微信号 stands before it.
_ACCOUNT = re.compile(
    rf"(?:{_WECHAT}){_NUMBER}{_OURS}(?=[a-z_-]{{0,19}}[0-9_])([a-z][a-z0-9_-]{{5,}}+)"
    rf"|微信(?:号码|号|账号|ID){_IS}{_OURS}([a-z][a-z0-9_-]{{5,}}+)"
    rf"|(?:qq|ｑｑ|扣扣|企鹅)群?{_NUMBER}([1-9１-９][0-9０-９]{{4,11}}+)(?![0-9０-９*])",
    re.IGNORECASE,
)
# One of these is in all that the pattern can find.
_CHATS = (
    *("微信", "威信", "薇信", "徽信", "v信", "V信", "vx", "VX", "Vx", "vX", "wx", "WX", "Wx", "wX", "ei", "EI", "Ei"),
    *("chat", "CHAT", "Chat", "扣扣", "企鹅", "q", "Q", "ｑ", "Ｑ"),
)
_PASSPORT = re.compile(r"(?:护照|通行证)[^A-Za-z0-9*]{0,8}+([A-Za-z]{1,2}[0-9]{7,9}+)")


def found(text: str) -> Iterator[Span]:
    """All of them, kind by kind. The cheap questions first: most texts have none."""
    for match in _PLATE.finditer(text):
        yield Span(match.start(), match.end(), "plate")
    if "车牌" in text:
        yield from _groups(_SAID_PLATE, text, "plate")
    if "@" in text or "＠" in text:
        for match in _EMAIL.finditer(text):
            yield Span(match.start(), match.end(), "email")
    if _may_name_account(text):
        yield from _groups(_ACCOUNT, text, "account")
    if "护照" in text or "通行证" in text:
        yield from _groups(_PASSPORT, text, "account")


def _may_name_account(text: str) -> bool:
    return any(word in text for word in _CHATS)


def _groups(pattern: re.Pattern[str], text: str, kind: Kind) -> Iterator[Span]:
    """The one group that matched: the number, without the word in front."""
    for match in pattern.finditer(text):
        yield Span(*match.span(match.lastindex or 0), kind)
