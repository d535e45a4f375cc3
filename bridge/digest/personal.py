"""Words of a proposal that point at a person: they are refused at entry, because they go to the deputies as they stand.

What is told is the field and the kind of thing, never the words. In doubt rather one refusal too many than one too few:
whoever is refused can say it otherwise, and what was handed on cannot be called back.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bridge.digest.surnames import SURNAMES, TWO, WORDS
from bridge.prose import mask, mask_words

KINDS = {
    "number": ("电话、证件等号码", "a number of a person"),
    "name": ("诉求人或民情书记的姓名", "the name of a petitioner or a secretary"),
    "address": ("门牌地址", "a house number"),
    "called": ("姓氏加称呼", "somebody by surname and title"),
}
"""What can be found, in Chinese and English."""

NUMBERS = frozenset({"item_id", "number"})
"""Fields that are numbers of papers: 2027-118号 is no address there."""

_NOBODY = frozenset(
    {
        "匿名", "匿名用户", "无名氏", "市民", "居民", "群众", "村民", "业主", "住户", "用户", "网民", "网友",
        "热心市民", "诉求人", "来电人", "当事人",
    }
)  # fmt: skip
"""What stands in the field of a name when it was not told."""


class Found(NamedTuple):
    field: str
    kind: str


def find(said: Mapping[str, Any], names: Iterable[str] = ()) -> list[Found]:
    """What the fields hold of persons, each kind once a field. `names`: of people who must not be named."""
    wanted = {bare: name for name in names if len(bare := _bare(name)) > 1 and bare not in _NOBODY}
    return sorted(
        {Found(field, kind) for field, value in said.items() for text in _texts(value)
         for kind in _kinds(text, wanted, _NUMBERED if field in NUMBERS else _ADDRESSES)}
    )  # fmt: skip


def refusal(found: Iterable[Found]) -> str | None:
    """Why these words are refused, or None."""
    told = "; ".join(f"{one.field}: {KINDS[one.kind][1]} ({KINDS[one.kind][0]})" for one in found)
    return f"{told}. Say it without naming anybody (疑似个人信息，请改写)" if told else None


def _kinds(text: str, names: Mapping[str, str], addresses: Iterable[re.Pattern[str]]) -> Iterable[str]:
    plain = _plain(text)
    if mask(text) != text or _ACCOUNT.search(plain):
        yield "number"
    if _named(text, names):
        yield "name"
    if any(address.search(plain) for address in addresses):
        yield "address"
    if any(_is_somebody(plain, one.start()) for one in _CALLED.finditer(plain)):
        yield "called"


def _is_somebody(plain: str, at: int) -> bool:
    """Whether what begins here is a surname, and no part of a word."""
    return not {plain[max(0, at - 1) : at + 1], plain[at : at + 2]} & WORDS


def _named(text: str, names: Mapping[str, str]) -> bool:
    """Whether it has one of these names, in any width and also with blanks or signs between."""
    bare = _bare(text)
    return any(mask_words(text, [name]) != text for short, name in names.items() if short in bare)


def _bare(text: str) -> str:
    """Letters and numerals alone."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def _plain(text: str) -> str:
    """Without blanks and invisible signs, in one width."""
    return "".join(
        char
        for char in unicodedata.normalize("NFKC", text)
        if not char.isspace() and unicodedata.category(char) != "Cf"
    )


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


_ACCOUNT = re.compile(r"wxid_[0-9a-z]", re.IGNORECASE)
"""A WeChat account's own number, also where no word says what it is."""


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────

_ZH = "零〇一二三四五六七八九十百"
_HOUSE = re.compile(
    r"[0-9]+(?:号?楼|号院|栋|幢|单元|室|#)"
    rf"|[{_ZH}]+(?:号楼|号院|(?:栋|幢|单元)(?=[0-9{_ZH}]))|[{_ZH}]{{3,}}室"
    r"|(?<![0-9-])[0-9]{1,2}-[0-9]{1,2}-[0-9]{3,4}(?![0-9-])"
)
"""5号楼、3栋、2单元、301室、5#, 三号楼、五栋二单元, 5-2-301."""
_DOOR = re.compile(
    r"(?<![第〕\]】)月年0-9-])[0-9]+号(?!线|令|文|函|议案|提案|建议|公告|通知|决议|意见|泵|井|杆|路灯|台风|汽油|柴油)"
)
"""12号, unless it numbers a paper, a day, a line, a pump."""
_STREET = re.compile(r"(?:路|街|巷|弄|道|胡同|里|村|区|苑|园)[0-9]+(?:-[0-9]+)*号(?!线|泵|井|杆|路灯)")
_STREET_ZH = re.compile(
    rf"(?:路|街|巷|弄|道|胡同|里|村|区|苑|园|家住|住在|位于)[{_ZH}]+号"
    "(?!线|令|文|函|议案|提案|建议|公告|通告|通知|决定|决议|意见|方案|工程|项目|泵|井|杆|路灯|桥|闸|坝|地块|台风|汽油|柴油"
    "|前|后|以前|之前|以后|起|至|到|上午|下午|晚|当天|左右)"
)
"""光明路二十三号, and neither 一号文件 nor 本区二号泵站."""
_FLAT = re.compile(
    r"(?<![0-9a-zA-Z案-])[0-9]{1,2}-[0-9]{1,2}(?:0[1-9]|1[0-2])(?![0-9-]|[年月日天人元万亿米公千平亩个件次名岁吨度小分%])"
    rf"|(?<![0-9])[0-9]{{3,4}}房间|[{_ZH}]{{2,}}房间|[a-zA-Z]座[0-9]{{3,4}}"
    rf"|[0-9{_ZH}][楼层][东西南北中左右][边侧面]?户"
    r"|(?<![统同每另任某这那单唯])一单元(?![格化])|[二三四五六七八九十]单元(?![格化])"
    rf"|门牌(?:号码?)?[为是:]?(?:[0-9]+(?![0-9个块处张余万多])|[{_ZH}]+号)"
)
"""5-301, 302房间, 三零二房间, A座1203, 三楼西户, 二单元, 门牌36."""
_HOUSEHOLD = re.compile(
    r"(?<![0-9第约共近超达余等有计过逾剩为对将使让给至到-])"
    "(?<!惠及|涉及|覆盖|受益|改造|安置|新增|完成|解决|接通|供暖|供气|供水|整治|服务|走访|帮扶|搬迁|拆迁|签约|征收|全[村市县区镇乡])"
    "[1-9](?:0[1-9]|1[0-2])户"
    "(?!居民|群众|村民|家庭|业主|住户|商户|农户|用户|人家|人口|以上|左右|贫困|困难|低保|脱贫|移民|均|都|[,、]?[0-9])"
)
"""302户, unless it counts households."""
_ADDRESSES, _NUMBERED = (_HOUSE, _DOOR, _STREET, _STREET_ZH, _FLAT, _HOUSEHOLD), (_HOUSE,)


# ── people ──────────────────────────────────────────────────────────────────────────────────────────────────

_KIN = (
    "女士|先生(?![产效成活态育])|小姐|大爷|大妈|大娘|大叔|大伯|大婶|大嫂|大姐|大哥"
    "|阿姨|奶奶|爷爷|叔叔|伯伯|婆婆|老汉|老太"
)
_RANK = (
    "老师|师傅|同学|同志|书记|主任|经理|老板|医生|大夫|律师|教授|警官"
    "|(?:局|处|科|所|站|镇|院|校|村)长(?![期年远效达度者])"
)
_CALLED = re.compile(
    rf"(?=(?:{'|'.join(TWO)}|[{SURNAMES}])"
    rf"(?:[\u4e00-\u9fff]{{0,2}}(?:{_KIN})|{_RANK}|某某|某(?=女|男|反映|称|住|家|[,;:)、。]|$)))"
)
"""王女士, 张建国先生, 欧阳奶奶, 李局长, 赵某某. It matches where they begin, also inside another match."""
