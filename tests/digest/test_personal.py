"""Words that point at a person are refused, and the words of the trade are not."""

from typing import Any

import pytest

from bridge.digest.personal import KINDS, Found, find, refusal

NAMES = frozenset({"孟小满", "王书记", "Li Ming", "高明", "市民", "匿名", "", "李"})

REFUSED = [
    # numbers
    ("number", "联系人电话13900001234"),
    ("number", "身份证370802199001011230"),
    ("number", "打幺三九零零零零幺二三四"),
    ("number", "wxid_abc123456"),
    ("number", "加WXID_7x拉群"),
    # people of the month
    ("name", "孟小满反映的问题"),
    ("name", "孟 小 满家中停水"),
    ("name", "孟\u200b小满"),
    ("name", "请王书记落实"),
    ("name", "ＬＩ ming要求退款"),
    # house numbers
    *(
        ("address", text)
        for text in (
            "柳岸社区5号楼", "青砖里小区 3 栋", "7幢", "２单元漏水", "301室", "③单元", "5#下水道", "5-2-301停水",
            "光明路12号", "光明路12-3号", "人民街88号门前", "三号楼", "五栋二单元", "三零二室", "12号院",
            "6楼以上加压", "住在18号", "光明路二十三号", "光明路二十三号王家", "和平里八号", "家住十八号",
            "人民街一百零二号", "和平里小区5-301", "5-301户漏水", "柳岸社区12-1102", "302房间", "1203房间漏水",
            "三零二房间", "302户", "小区302户漏水", "301、302户", "三楼西户", "6楼东边户", "门牌36", "门牌号码：102",
            "门牌二十三号", "二单元", "十二单元", "柳岸社区一单元", "A座1203",
        )
    ),
    # somebody by surname and title
    *(
        ("called", text)
        for text in (
            "王女士", "李先生", "张奶奶", "赵大爷", "帮扶欧阳阿姨", "关于张女士反映的问题", "王 女 士",
            "张建国先生", "李局长同意", "孙某某", "钱某，女", "刘某", "马师傅", "感谢周老师", "高明先生", "安女士",
            "于大妈",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), REFUSED)
def test_what_points_at_a_person_is_found(kind: str, text: str) -> None:
    found = find({"title": "更换管道", "text": text}, NAMES)
    assert Found("text", kind) in found
    assert {one.field for one in found} == {"text"}


ALLOWED = [
    "住建局", "水务局、财政局", "柳岸社区", "青砖里小区", "任城区", "金乡县", "张家村", "李庄", "王因街道", "光明路",
    "公安局长", "卫生健康局长", "县委书记", "社区党委书记", "街道办主任", "各方代表", "市人大代表、政协委员",
    "首问书记", "责任老师", "任城区委书记", "更换老旧小区供水管道", "关于老旧小区供水的建议", "资金与施工条件具备",
    "同意，列入明年计划", "市政府常务会议通过", "2027年民生实事第3项", "济政发〔2026〕12号", "济政发[2026]12号文件",
    "第118号议案", "5月15号前完成", "4号线", "2号泵站", "12345热线", "统一单元门禁", "统一室外管网", "三级响应",
    "二次供水", "高层住宅加压", "改造28个楼栋", "投资1200万元，惠及3500户", "方案优先生效", "石村长期缺水",
    "提高老师待遇", "照顾孤寡老人", "公积金主任信箱", "某某", "某些路段", "对于某些小区", "2026-10-01",
    "2026年10月至12月", "市民热线", "高峰时段限行", "已采纳", "中央一号文件", "二十三号文件", "第三号令",
    "市区一号工程", "本区二号泵站", "轨道一号线", "10月3日", "十月三号前", "三号上午", "请各区三号前报送",
    "铁路道口二号桥", "惠及302户", "改造302户居民", "全村105户", "约302户", "共105户、380人", "105户居民", "第3户",
    "受益3502户", "120个房间", "每个房间", "加装门牌二维码", "统一门牌", "更换门牌300块", "门牌一律更换", "同一单元",
    "每一单元", "一单元化管理", "10-200万元", "每日9-1105人次", "提案27-112", "27-118", "K5-301路段", "新建三房两厅",
    "三楼会议室", "二层商铺", "东西户型", "微信群", "条件尚不具备", "3-5年", "增设路灯120盏", "公交136路、147路",
    "Replace the pipes", "",
]  # fmt: skip


@pytest.mark.parametrize("text", ALLOWED)
def test_the_words_of_the_trade_pass(text: str) -> None:
    assert find({"text": text}, NAMES) == []


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"units": ["水务局", "张三女士 13900001234"]}, [("units", "called"), ("units", "number")]),
        ({"about": {"note": ["5号楼"]}, "title": "好"}, [("about", "address")]),
        ({"number": "2027-118号"}, []),
        ({"number": "118号"}, []),
        ({"number": "5号楼"}, [("number", "address")]),
        ({"number": "孟小满"}, [("number", "name")]),
        ({"item_id": "13900001234"}, [("item_id", "number")]),
    ],
)
def test_where_it_was_found(said: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert find(said, NAMES) == found


def test_the_refusal_names_field_and_kind_and_never_the_words() -> None:
    said = {"title": "孟小满住5号楼", "opinion": "王女士电话13900001234"}
    told = str(refusal(find(said, NAMES)))
    for kind, (zh, en) in KINDS.items():
        assert zh in told, kind
        assert en in told
    assert "title" in told
    assert "opinion" in told
    assert not any(word in told for word in ("孟", "小满", "5号", "王", "139"))
    assert refusal([]) is None
