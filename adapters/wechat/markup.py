"""XML from strangers, read into plain dictionaries: no DTD, no entities, no namespaces, bounded size and depth."""

import codecs
import re
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 8
MAX_ELEMENTS = 2000

_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
}
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(rb"""\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([^"']{0,40})["']""")
_DECLARATION = re.compile(r"\A\s*<\?xml\b[^>]{0,200}\?>")

# XML forbids these characters and turns CR LF into LF, but citizens' phones send them all the same. They travel through
# the parser as private-use characters of the last plane, so that a text comes out exactly as it went in.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_STAND_INS = re.compile("[\U0010ff00-\U0010ff21]")
_HIDE = {**{code: 0x10FF00 + code for code in range(0x20)}, 0xFFFE: 0x10FF20, 0xFFFF: 0x10FF21, 0x09: 0x09, 0x0A: 0x0A}
_SHOW = {stand_in: code for code, stand_in in _HIDE.items() if stand_in != code}


class BadMarkup(ValueError):
    """The body cannot be read as the dialect's XML; the text says why and never quotes the body."""


def read(body: bytes) -> dict[str, Any]:
    """The children of `<xml>`: text, or a dictionary where an element has children, or a list where one repeats.

    Attributes, comments and processing instructions mean nothing in this dialect and are passed over.
    """
    if len(body) > MAX_BYTES:
        raise BadMarkup("the body is over 1 MiB (请求体超过1MiB)")
    text = _DECLARATION.sub("", decode(body), count=1).strip()
    hidden = _UNSPEAKABLE.search(text) is not None
    if hidden and _STAND_INS.search(text):
        raise BadMarkup("control characters beside private-use ones of the last plane (控制字符与私有区字符混用)")
    return _parse(text.translate(_HIDE) if hidden else text, restore=hidden)


def decode(body: bytes) -> str:
    """The body's text by its BOM, its XML declaration (UTF-8, GBK, GB2312, GB18030), or else as UTF-8."""
    codec, data = _codec(body)
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise BadMarkup(
            f'the body is not {codec} at byte {error.start}; send UTF-8, or declare encoding="GBK" '
            "(请求体编码有误，请使用UTF-8，或在XML声明中注明GBK)"
        ) from None


def _codec(body: bytes) -> tuple[str, bytes]:
    for bom, codec in _BOMS:
        if body.startswith(bom):
            return codec, body[len(bom) :]
    declared = _DECLARED.match(body[:400])
    name = declared.group(1).decode("ascii", "replace").lower() if declared else "utf-8"
    if name not in _CODECS:
        raise BadMarkup("the declared encoding is not read here; send UTF-8 (不支持该编码声明，请使用UTF-8)")
    return _CODECS[name], body


def _parse(text: str, *, restore: bool) -> dict[str, Any]:
    tree = _Tree(restore=restore)
    parser = DefusedXMLParser(target=tree, encoding="utf-8", forbid_dtd=True)
    try:
        parser.feed(text.encode("utf-8"))
        parser.close()
    except DefusedXmlException:
        raise BadMarkup("DTDs and entities are refused (不接受DTD与实体声明)") from None
    except ParseError as error:
        line, column = error.position
        raise BadMarkup(f"not well-formed XML at line {line}, column {column} (XML格式有误)") from None
    return tree.document


class _Node:
    __slots__ = ("children", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.children: dict[str, Any] = {}


class _Tree:
    """The parser's target: builds dictionaries, and stops at the limits before anything grows."""

    def __init__(self, *, restore: bool) -> None:
        self.document: dict[str, Any] = {}
        self._stack: list[_Node] = []
        self._elements = 0
        self._restore = restore

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._stack) >= MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise BadMarkup("too many or too deeply nested elements (元素过多或嵌套过深)")
        if "}" in tag:
            raise BadMarkup("namespaces are not part of this dialect (不接受XML命名空间)")
        if not self._stack and tag != "xml":
            raise BadMarkup("the root element must be <xml> (根元素应为xml)")
        self._stack.append(_Node())

    def data(self, text: str) -> None:
        self._stack[-1].texts.append(text)

    def end(self, tag: str) -> None:
        node = self._stack.pop()
        if not self._stack:
            self.document = node.children
        else:
            self._add(tag, node.children or self._text(node))

    def _text(self, node: _Node) -> str:
        text = "".join(node.texts)
        return text.translate(_SHOW) if self._restore else text

    def _add(self, tag: str, value: object) -> None:
        siblings = self._stack[-1].children
        if tag not in siblings:
            siblings[tag] = value
        elif len(self._stack) == 1 and isinstance(value, str):
            # Two senders, two numbers: whichever we believed, someone else might believe the other.
            raise BadMarkup(f"{tag[:40]} stands there twice (字段重复)")
        elif isinstance(siblings[tag], list):
            siblings[tag].append(value)
        else:
            siblings[tag] = [siblings[tag], value]

    def close(self) -> None:
        return None
