"""The published digest as one HTML page: on screen, on A4, in Chinese with English a click away. Nothing is fetched."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from bridge.digest import proposals, words
from bridge.digest.charts import SHADES, columns, spark, stack
from bridge.digest.extract import totals
from bridge.digest.markup import HIDDEN, bars, heading, note, nothing, number, right, say, sub, table
from bridge.digest.month import Month
from bridge.digest.rise import against, mean, rise, written

Document = Mapping[str, Any]
_TITLES = {
    "deputies": ("民意“5”来听月度民情通报（两代表一委员）", "Monthly report to deputies and members"),
    "department": ("民意“5”来听月度分类反馈", "Monthly extract for a department"),
}
_TITLE = ("民意“5”来听月度分析研判", "Monthly analysis of what citizens say")
_KINDS = tuple(words.WORDS["kind"])
_CLASSES = tuple(words.WORDS["handling_class"])
_PROGRESS = ("closed", "answered", "handling")
_REPEATED = ("反复反映（按事项）", "Repeated, by subject")
_DIFFICULT = ("疑难诉求（按情形，可重复）", "Difficult, by reason (may overlap)")


def render(document: Document, seal: Mapping[str, Any] | None = None) -> str:
    """The page of a published document, a meeting package, a deputies' export or a department's extract: it shows what
    the document has."""
    if document["audience"] == "department":
        return _page(document, *_TITLES["department"], _department(document["unit"]), seal)
    sections = [
        _summary(document),
        _months(document),
        _tables(document),
        *(part(document) for name, part in _LISTS if name in document),
    ]
    zh, en = _TITLES.get(document["audience"], _TITLE)
    return _page(document, zh, en, "".join(sections), seal)


def _department(unit: Mapping[str, Any]) -> str:
    tiles = "".join(
        f'<div class="tile"><b>{number(count)}</b><span>{say(zh, en)}</span></div>' for zh, en, count in totals(unit)
    )
    lasting = (
        bars(zh, en, unit[name]) if unit[name] else f'<div class="whole">{sub(zh, en)}{nothing()}</div>'
        for name, zh, en in (("repeated", *_REPEATED), ("difficult", *_DIFFICULT))
    )
    return "".join(
        (
            f'<h2>{say(unit["zh"], unit["en"])}</h2><div class="tiles">{tiles}</div>',
            f'<div class="pair">{bars("按诉求类型", "By kind", unit["kinds"])}',
            f"{bars('办理进度', 'Progress', unit['progress'])}</div>",
            _matters("热点诉求", "Hot matters", unit["hot"]),
            _groups("相似诉求", "Similar petitions", unit["similar"]),
            _groups("意见建议", "Suggestions", unit["suggestions"]),
            f'<div class="pair">{"".join(lasting)}</div>',
        )
    )


def _page(document: Document, zh: str, en: str, body: str, seal: Mapping[str, Any] | None) -> str:
    month = Month.parse(document["month"])
    style = files("bridge.digest").joinpath("page.css").read_text("utf-8")
    draft = "" if document["final"] else _draft()
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(zh)} {month}</title><style>{style}</style></head><body>"
        '<input type="checkbox" id="english"><label class="switch" for="english">'
        f"{say('English', '中文')}</label><main><header><h1>{say(f'{month.zh}　{zh}', f'{en}, {month}')}</h1>"
        f"<p>{say('统计截止', 'Cut-off')} {document['cut_off'][:19].replace('T', ' ')}</p></header>"
        f"{draft}{body}{_footer(document, seal)}</main></body></html>"
    )


def _draft() -> str:
    text = say(
        "阶段性数字：本月尚未结束，未封存，仅供内部参考，不得对外提供。",
        "Interim: the month is not over, nothing is sealed. For the house only, not to be handed on.",
    )
    return f'<p class="draft">{text}</p>'


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────


def _summary(document: Document) -> str:
    totals = document["totals"]
    tiles = "".join(
        f'<div class="tile"><b>{number(totals[name]["count"])}</b><span>{say(*word)}</span></div>'
        for name, word in words.WORDS["total"].items()
    )
    return f'{_lead(document)}<div class="tiles">{tiles}</div>'


def _lead(document: Document) -> str:
    """The month in a sentence, out of numbers that are shown."""
    accepted = document["totals"]["accepted"]["count"]
    *before, _ = (month["count"] for month in document["months"])
    change = rise(accepted, before)
    if change is None:
        return ""
    zh_change = f"上升{change}%" if change > 0 else f"下降{-change}%" if change < 0 else "持平"
    en_change = f"{abs(change)}% {'more' if change > 0 else 'fewer'} than" if change else "as many as"
    zh_mean, en_mean = mean(len(before))
    hot = document["hot"][0] if document["hot"] else None
    zh_hot = f"反映最集中的是{words.where(hot)}的“{hot['subject']}”问题，{hot['count']}件。" if hot else ""
    en_hot = f" Most were about “{hot['subject']}” in {words.where(hot)} ({hot['count']})." if hot else ""
    return (
        f'<p class="lead">'
        f"{say(f'本月受理群众诉求{accepted:,}件，比{zh_mean}{zh_change}。{zh_hot}', f'{accepted:,} petitions were taken in, {en_change} {en_mean}.{en_hot}')}</p>"  # noqa: E501 - two sentences
    )


def _months(document: Document) -> str:
    values = [(month["month"], month["count"]) for month in document["months"]]
    kinds = bars("按诉求类型", "By kind", document["tables"]["kind"])
    chart = f'<div class="whole">{sub("受理件数", "Petitions taken in")}{columns(values, HIDDEN)}</div>'
    return f'{heading("总体情况", "The month at a glance")}<div class="pair">{chart}{kinds}</div>'


def _tables(document: Document) -> str:
    found = document["tables"]
    names = (
        ("handling_class", "按处理方式", "By handling class"),
        ("source", "按来源渠道", "By channel"),
        ("progress", "按办理进度", "By progress"),
        ("state", "按当前状态", "By state reached"),
        ("region", "按县市区", "By county"),
        ("subject", "按事项分类", "By subject"),
    )
    charts = "".join(bars(zh, en, found[name], most=14) for name, zh, en in names if name in found)
    cross = _cross(document) if "kinds_by_class" in document else ""
    return f'<div class="pair">{charts}</div>{cross}'


def _cross(document: Document) -> str:
    """Kinds against handling classes, the more the darker."""
    cells = {(cell["kind"], cell["handling_class"]): cell["count"] for cell in document["kinds_by_class"]}
    top = max((count or 0 for count in cells.values()), default=0) or 1
    rows = []
    for kind in _KINDS:
        row = [say(*words.words("kind", kind))]
        for name in _CLASSES:
            count = cells.get((kind, name), 0)
            heat = (count or 0) / top
            dark = " dark" if heat > 0.6 else ""
            row.append(f'<td class="n{dark}" style="--heat:{heat * 0.85:.2f}">{number(count)}</td>')
        rows.append(row)
    head = ["", *(f'<th class="n">{say(*words.words("handling_class", name))}</th>' for name in _CLASSES)]
    return f'<div class="whole">{sub("诉求类型与处理方式", "Kinds by handling class")}{table(head, rows, "heat")}</div>'


# ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────


def _hot(document: Document) -> str:
    rows = []
    for rank, found in enumerate(document["hot"], 1):
        values = [month["count"] for month in found["before"]] + [found["count"]]
        earlier = " / ".join(number(value) for value in values[:-1])
        rows.append(
            [f'<td class="rank">{rank}</td>', escape(words.where(found)), escape(found["subject"]),
             right(number(values[-1])), right(earlier), spark(values), _trend(found["trend"]),
             right(written(rise(values[-1], values[:-1])))]
        )  # fmt: skip
    zh, en = mean(len(against(document)))
    head = ["", say("地点", "Place"), say("事项", "Subject"), _n("本月", "Month"),
            _n(zh.removesuffix("月均"), en.removeprefix("the mean of ").capitalize()), "",
            say("走势", "Trend"), _n(f"比{zh}", f"Against {en}")]  # fmt: skip
    shown = table(head, rows) if rows else nothing()
    return heading("热点诉求", "Hot matters") + _hot_rule(document) + _compared(document) + shown


def _hot_rule(document: Document) -> str:
    rule = document["rules"]["hot"] if "rules" in document else None
    if rule is None:
        return ""
    zh, en = mean(len(document["months"]) - 1)
    grown = (f"，或达到{zh}的{rule['growth_percent']}%以上", f", or {rule['growth_percent']}% of {en}")
    zh, en = grown if len(document["months"]) > 1 else ("", "")
    return note(
        f"同一地点、同一事项，本月有{rule['persons']}人以上反映{zh}。",
        f"One place and subject: {rule['persons']} people{en}.",
    )


def _compared(document: Document) -> str:
    """Which months the trends go by."""
    months = against(document)
    if not months:
        return note("没有可比月份，不列走势和增幅。", "There is no month to compare with: no trends.")
    zh, en = mean(len(months))
    return note(
        f"走势、增幅：比{zh}（{'、'.join(months)}）。有月份不予公布的，不列增幅。",
        f"Trends: against {en} ({', '.join(months)}). No percentage where a month is not shown.",
    )


def _similar(document: Document) -> str:
    return heading("相似诉求", "Similar petitions") + _group_table(document["similar"])


def _suggestions(document: Document) -> str:
    return heading("意见建议", "Suggestions") + _group_table(document["suggestions"])


def _lasting(document: Document) -> str:
    charts = (
        bars(*_REPEATED, document["repeated"]) if document["repeated"] else "",
        bars("久拖不决（在办时长）", "Long pending, by days open", document["pending"]),
        bars(*_DIFFICULT, document["difficult"]) if document["difficult"] else "",
    )
    reasons = note(
        "一件疑难诉求可有几个缘由；未列的缘由为零或不予公布。",
        "A difficult one may have several reasons; one that is not listed is none, or is not shown.",
    )
    title = heading("反复反映、久拖不决与疑难诉求", "Repeated, long pending, difficult")
    lists = (
        _matters("久拖不决较集中的事项", "Where long pending ones gather", document["pending_matters"][:10]),
        _matters("疑难诉求较集中的事项", "Where difficult ones gather", document["difficult_matters"][:10]),
    )
    return f'{title}<div class="pair">{"".join(charts)}</div>{reasons}<div class="pair">{"".join(lists)}</div>'


def _units(document: Document) -> str:
    rows = []
    for unit in sorted(document["units"], key=lambda unit: not unit["key"]):
        kinds = {row["key"]: row["count"] for row in unit["kinds"]}
        steps = {row["key"]: row["count"] for row in unit["progress"]}
        known = all(steps.get(step, 0) is not None for step in _PROGRESS)
        drawn = (
            stack([steps.get(step, 0) for step in _PROGRESS], unit["count"])
            if known
            else f'<span class="few">{say("部分不予公布", "partly not shown")}</span>'
        )
        rows.append(
            [say(unit["zh"], unit["en"]), right(number(unit["count"])),
             *(right(number(kinds.get(kind, 0)) if kinds.get(kind, 0) != 0 else "–") for kind in _KINDS),
             drawn, right(number(unit["open"]["count"]))]
        )  # fmt: skip
    head = [say("承办单位", "Unit"), _n("合计", "All"), *(_n(*words.words("kind", kind)) for kind in _KINDS),
            say("进度", "Progress"), _n("在办", "Open")]  # fmt: skip
    legend = "".join(
        f'<i style="background:{shade}"></i>{say(*words.words("progress", step))}'
        for step, shade in zip(_PROGRESS, SHADES, strict=True)
    )
    # The key goes before what it explains: on paper it must not stand on the next sheet.
    shown = f'<p class="key">{legend}</p>{table(head, rows)}' if rows else nothing()
    return heading("承办单位", "Departments") + shown


def _matters(zh: str, en: str, found: Sequence[Mapping[str, Any]]) -> str:
    rows = [[escape(words.where(one)), escape(one["subject"]), right(number(one["count"]))] for one in found]
    head = [say("地点", "Place"), say("事项", "Subject"), _n("件数", "Count")]
    return f'<div class="whole">{sub(zh, en)}{table(head, rows) if rows else nothing()}</div>'


def _groups(zh: str, en: str, groups: Sequence[Mapping[str, Any]]) -> str:
    return sub(zh, en) + _group_table(groups)


def _group_table(groups: Iterable[Mapping[str, Any]]) -> str:
    rows = []
    for rank, group in enumerate(groups, 1):
        where = (
            escape(words.where(group)) if group["place"] else say(f"{group['places']}处", f"{group['places']} places")
        )
        subject = escape(group["subject"]) if group["subject"] else say("多类事项", "Several")
        label = "、".join(escape(phrase) for phrase in group["label"]) or "—"
        rows.append(
            [f'<td class="rank">{rank}</td>', where, subject, f'<td class="words">{label}</td>',
             right(number(group["count"]))]
        )  # fmt: skip
    head = ["", say("地点", "Place"), say("事项", "Subject"), say("共同用语", "Words in common"), _n("件数", "Count")]
    return table(head, rows) if rows else nothing()


def _trend(name: str | None) -> str:
    if name is None:
        return "–"
    return f'<span class="tag {name}">{say(*words.words("trend", name))}</span>'


def _n(zh: str, en: str) -> str:
    return f'<th class="n">{say(zh, en)}</th>'


def _k(document: Document) -> int:
    return int(document["rules"]["k"])


def _footer(document: Document, seal: Mapping[str, Any] | None) -> str:
    k = _k(document)
    privacy = say(
        f"“{HIDDEN}”表示不予公布：不足{k}人，或为防止由其他数字倒推而一并隐去。共同用语只取多个社区、{k}人以上使用的词语，不摘录原文。",
        f"“{HIDDEN}” is a number that is not shown: fewer than {k} people, or hidden so that others do not give such a "
        f"number away. Words in common were used by {k} people or more in several communities; nothing is quoted.",
    )
    source = say(
        "全部数字由截止时点前的事件记录计算得出，可逐项追溯、可重复计算。",
        "Every number is computed from events recorded before the cut-off, and can be traced and computed again.",
    )
    mark = f"<p>SHA-256 {escape(seal['sha256'])}　{escape(str(seal['at'])[:19])}</p>" if seal else ""
    return f"<footer><p>{source}</p><p>{privacy}</p>{mark}</footer>"


_LISTS: tuple[tuple[str, Callable[[Document], str]], ...] = (
    ("hot", _hot),
    ("similar", _similar),
    ("suggestions", _suggestions),
    ("pending", _lasting),
    ("units", _units),
    ("proposals", lambda document: proposals.section(document["proposals"])),
)
"""A section for each list, in the page's order, where the document has it."""
