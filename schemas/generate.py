"""JSON Schema 2020-12 of the canonical models: `schemas/json/`, written by `python -m bridge.documents`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from schemas import event, handoff, petition

DIALECT = "https://json-schema.org/draft/2020-12/schema"

PUBLISHED: dict[str, type[BaseModel]] = {
    "petition": petition.Petition,
    "petition-document": petition.PetitionDocument,
    "petition-draft": petition.PetitionDraft,
    "event": event.Event,
    "bus-data": event.BusData,
    "cloud-event": event.CloudEvent,
    "handoff-ready": handoff.HandoffReady,
}
"""A file each."""

TITLES = {
    "Assignment": "Assignment 承办任务",
    "Attachment": "Attachment 附件",
    "BusData": "Event data on the public bus 总线事件数据",
    "Category": "Category 事项分类",
    "CloudEvent": "Event on the public bus 总线事件",
    "Event": "Event 事件",
    "Households": "Households done 办结户数",
    "Indicator": "Measure of a rating 满意度指标",
    "Package": "Joint package 打包处理",
    "PartState": "State of a unit's part 承办任务状态",
    "SupervisionOrder": "Supervision order 督办单",
    "SupervisionReason": "Reason of a supervision 督办事由",
    "SupervisionState": "State of a supervision order 督办单状态",
    "EventData": "Event data 事件内容",
    "EventType": "Event type 事件类型",
    "ExternalId": "External number 外部编号",
    "HandlingClass": "Handling class 处理方式",
    "HandoffReady": "Hand-off ready 交接就绪",
    "HandoffReadyData": "Hand-off ready: which one 就绪的交接",
    "Kind": "Kind 诉求类型",
    "Petition": "Petition 诉求",
    "PetitionDocument": "Petition document 诉求文书",
    "PetitionDraft": "Petition draft 诉求草稿",
    "Petitioner": "Petitioner 诉求人",
    "Place": "Place 事发地",
    "RawCode": "Raw code 原始代码",
    "Satisfaction": "Satisfaction 满意度",
    "Secretary": "Liaison secretary 民情书记",
    "Span": "Span of time 时长",
    "SupervisionLevel": "Supervision level 督办等级",
    "UnitRole": "Unit role 主办或协办",
    "Urgency": "Urgency 紧急程度",
}
"""What each model is called in English and Chinese."""


VOCABULARIES: dict[str, Mapping[Any, str]] = {
    "EventType": event.EVENT_ZH,
    "HandlingClass": petition.CLASS_ZH,
    "Kind": petition.KIND_ZH,
    "Urgency": petition.URGENCY_ZH,
}


class _Generator(GenerateJsonSchema):
    """Titles where they say something: on models, not on every field."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def definitions(
    models: Iterable[type[BaseModel]], ref_template: str, titles: Mapping[str, str] = TITLES
) -> dict[str, Any]:
    """These models and all they are made of, by class name, with bilingual titles. KeyError: one without a title."""
    _, found = models_json_schema(
        [(model, "validation") for model in models], ref_template=ref_template, schema_generator=_Generator
    )
    return {name: _told(name, definition, titles[name]) for name, definition in found["$defs"].items()}


def _told(name: str, definition: dict[str, Any], title: str) -> dict[str, Any]:
    """With its bilingual title; a vocabulary also tells its words in Chinese."""
    told = {**definition, "title": title}
    if chinese := VOCABULARIES.get(name):
        told["description"] += " " + ", ".join(f"{word} {zh}" for word, zh in chinese.items())
    return told


def schema(name: str) -> dict[str, Any]:
    """The published JSON Schema of this name."""
    model = PUBLISHED[name]
    found = definitions([model], "#/$defs/{model}")
    own = found.pop(model.__name__)
    document = {"$schema": DIALECT, "$id": f"urn:laiting:schema:{name}:1", **own}
    return {**document, "$defs": found} if found else document


def text(document: dict[str, Any]) -> str:
    """The document as it stands in its file: the same words always give the same bytes."""
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def files() -> dict[str, str]:
    """File name → content."""
    return {f"{name}.json": text(schema(name)) for name in PUBLISHED}
