"""The whole OpenAPI 3.1 document: `/v1`, the systems' doors, and as webhooks the calls that the bridge makes on them.

Pure: from the operations, the canonical models and what each adapter says of itself. `python -m bridge.documents`
writes it to `schemas/json/openapi.json`, which is what `GET /openapi.json` gives.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.adapter import Manifest
from bridge.apipart import COMPONENTS, ApiPart, answer, problem
from bridge.rest import operations, problems
from bridge.rest.answers import SHAPES, petition_view
from bridge.rest.handoffs import ReplayOrder
from bridge.rest.merging import MergeOrder
from bridge.rest.petitions import EventDocument
from bridge.rest.proofs import ConsistencyDocument, ProofDocument
from bridge.rest.rules import OwnerOrder
from schemas import generate
from schemas.event import Event
from schemas.petition import Petition, PetitionDocument

VERSION = "0.1.0"

_INTRODUCTION = """\
来听桥：诉求在12345热线、社会治理服务中心与微信服务号之间的交接。`/in/…` 是各系统的入口，以各自的报文应答；\
`/v1` 供其他系统与值班人员使用；`webhooks` 是本桥向各系统发出的调用。

The Laiting Bridge: `/in/…` are the systems' doors, each answered in its own dialect; `/v1` is for other systems and \
for operators; `webhooks` are the calls that the bridge makes on the systems.

* 写入台账（COMMIT）之后才应答成功。An answer of success comes only after the ledger's COMMIT.
* `/v1` 的错误为RFC 9457问题说明。Errors of `/v1` are RFC 9457 problem documents.
* 未列出的路径得404，未列出的方法得405，均为问题说明（`Problem404`、`Problem405`）。 \
A path that is not listed gets 404, a method that is not listed 405: problem documents.
* 请求体至多1MiB，逾者413。A body over 1 MiB gets 413.
* 地址含U+0000得400。U+0000 in an address gets 400.
* 总线见 `/asyncapi.json`。The bus is described at `/asyncapi.json`.
"""

_MODELS = (
    *(Petition, Event, PetitionDocument),
    *(EventDocument, ReplayOrder, MergeOrder, OwnerOrder, ProofDocument, ConsistencyDocument),
)
_TITLES = {
    "CheckpointDocument": "Checkpoint 检查点",
    "ConsistencyDocument": "Consistency proof 一致性证明",
    "EventDocument": "Event document 事件文书",
    "Fault": "Fault 不符之处",
    "MergeOrder": "Order to merge 并单指令",
    "OwnerOrder": "Order to hand over to another owner 更换首问书记指令",
    "PendingEntry": "Entry not yet covered 待签署记录",
    "ProofDocument": "Inclusion proofs 存证证明",
    "ProvenEntry": "Proven entry 已证记录",
    "ReplayOrder": "Order to replay or cancel 重发或放弃指令",
}


def document(manifests: Iterable[Manifest]) -> dict[str, Any]:
    """For these systems."""
    parts = {manifest.system: (manifest, manifest.openapi()) for manifest in manifests if manifest.openapi}
    told = [part for _, part in parts.values()]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Laiting Bridge 来听桥",
            "version": VERSION,
            "summary": "Petitions between the 12345 hotline, the social governance center and WeChat",
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "本桥 (this bridge)"}],
        "tags": _tags([manifest for manifest, _ in parts.values()]),
        "paths": {**operations.paths(), **_merged(part.paths for part in told)},
        "webhooks": _merged(part.webhooks for part in told),
        "components": _components(told),
    }


def _tags(manifests: Iterable[Manifest]) -> list[dict[str, str]]:
    own = {
        "petitions": "诉求 · petitions",
        "proofs": "存证 · proofs",
        "digests": "月度分析研判 · the monthly analysis",
        "operations": "值班与运维 · operators and ops",
        "health": "健康检查 · for machines that watch machines",
        "documents": "文档 · documents",
    }
    theirs = {
        name: description
        for manifest in manifests
        for name, description in (
            (manifest.system, f"{manifest.zh}的入口 · the door of this system"),
            (f"{manifest.system} (outbound)", f"本桥对{manifest.zh}的调用 · the calls that the bridge makes on it"),
        )
    }
    return [{"name": name, "description": description} for name, description in {**own, **theirs}.items()]


def _components(parts: Iterable[ApiPart]) -> dict[str, Any]:
    parts = list(parts)
    bearer = {
        "type": "http",
        "scheme": "bearer",
        "description": "API密钥，以`bridge keys api`签发 · an API key with scopes",
    }
    return {
        "schemas": {**_own_schemas(), **_merged(part.schemas for part in parts)},
        "responses": {f"Problem{status}": _problem(status, title) for status, title in problems.TITLES.items()},
        "securitySchemes": {operations.BEARER: bearer, **_merged(part.security for part in parts)},
    }


def _own_schemas() -> dict[str, Any]:
    found = generate.definitions(_MODELS, COMPONENTS + "{model}", {**generate.TITLES, **_TITLES})
    return {**found, **SHAPES, "PetitionView": petition_view(found["Petition"])}


def _problem(status: int, title: str) -> dict[str, Any]:
    return answer(title, problem({"type": "about:blank", "title": title, "status": status, "detail": title}))


def _merged(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """All of them in one. ValueError: a name that stands in two."""
    merged: dict[str, Any] = {}
    for one in found:
        if twice := merged.keys() & one.keys():
            raise ValueError(f"told twice in the OpenAPI document: {', '.join(sorted(twice))}")
        merged.update(one)
    return merged
