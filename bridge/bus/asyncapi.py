"""The AsyncAPI 3.0 document of the bus, built from the topology itself: what it says of a queue is what is declared."""

from collections.abc import Mapping
from typing import Any

import orjson
from kombu import Exchange, Queue

from bridge.bus.message import CONTENT_TYPE, Message, event_message, handoff_message
from bridge.bus.topology import Topology
from schemas import generate
from schemas.event import CloudEvent, EventType
from schemas.handoff import HandoffReady

_BINDING = {"bindingVersion": "0.3.0"}
_PETITION = "LT261122-7K3M9QX2AB"
_EVENT = "5b0c6f6e-52a0-5f0e-8a3c-0d5f3c1b7e21"
_HANDOFF = "0f6a2a4e-7c55-5d7b-9d2e-6a1f0b9c4d10"
_AT = 1_795_314_600_000
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

_INTRODUCTION = """\
来听桥总线：诉求在12345热线、社会治理服务中心与微信服务号之间的每一步，都是 `petition.events` 上的一个事件。

The bus of the Laiting Bridge: every step of a petition between the 12345 hotline, the social governance center and \
the WeChat service account is one event on `petition.events`.

* 其他系统请自建队列并绑定到 `petition.events`，不要消费本文档列出的队列。 \
Bind a queue of your own to `petition.events`; never consume the queues listed here.
* 消息至少送达一次，按 `id` 去重；同一诉求按 `sequence` 排序。 \
A message comes at least once: drop what you know by `id`, order one petition's by `sequence`.
* 总线不含个人信息；详情凭权限经 `GET /v1/petitions/{id}` 查询。 \
The bus carries no personal data: those with the scope read it at `GET /v1/petitions/{id}`.
* 账本为准，队列可清空：未办结的事项会被重新发布。 \
The ledger is the truth: whatever is unfinished is published again.
"""


def document(topology: Topology) -> dict[str, Any]:
    """The whole document, for the systems of this topology."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:laiting:bridge",
        "info": _info(),
        "defaultContentType": CONTENT_TYPE,
        "servers": _servers(),
        "channels": _channels(topology),
        "operations": _operations(topology),
        "components": {
            "messages": {"event": _event(), "handoffReady": _handoff()},
            "schemas": generate.definitions([CloudEvent, HandoffReady], "#/components/schemas/{model}"),
            "securitySchemes": {
                "broker": {"type": "userPassword", "description": "RabbitMQ 用户名与密码 (SASL PLAIN)"}
            },
        },
    }


# ── head ──
def _info() -> dict[str, Any]:
    return {
        "title": "Laiting Bridge 来听桥",
        "version": "1.0.0",
        "description": _INTRODUCTION,
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    }


def _servers() -> dict[str, Any]:
    return {
        "amqp": _server(
            "amqp", "5672", "RabbitMQ 3.10 或更新 (or newer)；docker compose 中的服务名 (the compose service)"
        ),
        "amqps": _server("amqps", "5671", "RabbitMQ，经TLS加密 (over TLS)：跨主机时使用 (between hosts)"),
    }


def _server(protocol: str, port: str, description: str) -> dict[str, Any]:
    return {
        "host": "{host}:{port}",
        "protocol": protocol,
        "protocolVersion": "0.9.1",
        "description": description,
        "variables": {
            "host": {"default": "rabbitmq", "description": "主机 (host)"},
            "port": {"default": port, "description": "端口 (port)"},
        },
        "security": [{"$ref": "#/components/securitySchemes/broker"}],
    }


# ── channels ──
def _channels(topology: Topology) -> dict[str, Any]:
    router = topology.queue(topology.router_queue)
    handoffs = {system: topology.queue(topology.handoff_queue(system)) for system in topology.systems}
    channels = {
        topology.events: _events(router.exchange, topology),
        router.name: _queue(router, "待路由的事件 (events waiting to be routed)", "event"),
    }
    for system, queue in handoffs.items():
        channels[topology.handoffs] = _handoffs(queue.exchange, topology)
        channels[queue.name] = _queue(
            queue,
            f"可立即交接给 {system} 的事项：值班人员看这里的积压 (hand-offs ready for {system}: the backlog)",
            "handoffReady",
        )
    unroutable = topology.queue(topology.unroutable)
    channels[unroutable.name] = _queue(
        unroutable,
        "无法路由或反复失败的消息：应始终为空，不空即告警 (must stay empty; an alarm when not)",
        "event",
        "handoffReady",
    )
    return channels


def _events(exchange: Exchange, topology: Topology) -> dict[str, Any]:
    return {
        "address": "petition.{type}.{source}",
        "title": "公共事件总线 Public event bus",
        "description": "全部规范事件；绑定键如 `petition.replied.*` (every canonical event; bind your own queue)",
        "messages": _messages("event"),
        "parameters": {
            "type": {
                "description": "事件类型 (event type): " + ", ".join(f"{word} {word.zh}" for word in EventType),
                "enum": [word.value for word in EventType],
            },
            "source": {
                "description": "说出该事件的系统 (who said it)；`bridge`：本桥 (the bridge itself)",
                "examples": [*topology.systems, "bridge"],
            },
        },
        "bindings": {"amqp": _exchange(exchange)},
    }


def _handoffs(exchange: Exchange, topology: Topology) -> dict[str, Any]:
    return {
        "address": "{system}",
        "title": "交接 Hand-offs",
        "description": "交接就绪的通知，路由键为系统名 (a hand-off is ready; key = the system)",
        "messages": _messages("handoffReady"),
        "parameters": {"system": {"description": "目标系统 (the system to tell)", "enum": [*topology.systems]}},
        "bindings": {"amqp": _exchange(exchange)},
    }


def _queue(queue: Queue, description: str, *messages: str) -> dict[str, Any]:
    return {
        "address": queue.name,
        "title": queue.name,
        "description": description,
        "messages": _messages(*messages),
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {
                    "name": queue.name,
                    "durable": queue.durable,
                    "exclusive": queue.exclusive,
                    "autoDelete": queue.auto_delete,
                    "vhost": "/",
                },
                **_BINDING,
            }
        },
        "x-queue-arguments": dict(queue.queue_arguments),  # type: ignore[attr-defined]  # kombu sets it by name
        "x-bound-to": {"exchange": queue.exchange.name, "type": queue.exchange.type, "routingKey": queue.routing_key},
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "is": "routingKey",
        "exchange": {
            "name": exchange.name,
            "type": exchange.type,
            "durable": exchange.durable,
            "autoDelete": exchange.auto_delete,
            "vhost": "/",
        },
        **_BINDING,
    }


def _messages(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


# ── operations ──
def _operations(topology: Topology) -> dict[str, Any]:
    operations = {
        "publishEvent": _send(topology.events, "event", "账本提交后发布事件 (publish an event after its COMMIT)"),
        "routeEvent": _receive(topology.router_queue, "event", "按路由表生成交接 (turn an event into hand-offs)"),
        "publishHandoff": _send(topology.handoffs, "handoffReady", "通知交接就绪 (say that a hand-off is ready)"),
    }
    for system in topology.systems:
        summary = f"交接给 {system}，结果入账后确认 (deliver to {system}; ack when the outcome is committed)"
        operations[f"deliver.{system}"] = _receive(topology.handoff_queue(system), "handoffReady", summary)
    return operations


def _send(channel: str, message: str, summary: str) -> dict[str, Any]:
    binding = {"deliveryMode": 2, "mandatory": True, **_BINDING}
    return _operation("send", channel, message, summary, binding)


def _receive(channel: str, message: str, summary: str) -> dict[str, Any]:
    return _operation("receive", channel, message, summary, {"ack": True, **_BINDING})


def _operation(action: str, channel: str, message: str, summary: str, binding: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
        "summary": summary,
        "bindings": {"amqp": binding},
    }


# ── messages ──
def _event() -> dict[str, Any]:
    sample = event_message(
        event_id=_EVENT,
        petition_id=_PETITION,
        sequence=1,
        type_="submitted",
        source="wechat",
        occurred_at=_AT,
        traceparent=_TRACE,
        data={
            "kind": "complaint",
            "handling_class": "hotline_transfer",
            "urgency": "normal",
            "state": "submitted",
            "petition_source": "wechat",
            "region_code": "310115",
            "team_id": "T-07",
        },
    )
    return _message(
        "event", "诉求事件 Petition event", "诉求发生的一件事 (one fact about a petition)", "CloudEvent", sample
    )


def _handoff() -> dict[str, Any]:
    sample = handoff_message(
        handoff_id=_HANDOFF,
        event_id=_EVENT,
        petition_id=_PETITION,
        system="hotline12345",
        event_type="submitted",
        at=_AT + 40,
        traceparent=_TRACE,
    )
    return _message(
        "handoffReady",
        "交接就绪 Hand-off ready",
        "该交接现在可以送出 (it can be delivered now)",
        "HandoffReady",
        sample,
    )


def _message(name: str, title: str, summary: str, payload: str, sample: Message) -> dict[str, Any]:
    example = {"name": name, "summary": summary, "headers": dict(sample.headers), "payload": orjson.loads(sample.body)}
    return {
        "name": name,
        "title": title,
        "summary": summary,
        "contentType": CONTENT_TYPE,
        "headers": _headers(),
        "correlationId": {"description": "AMQP `message_id` 与之相同 (the same)", "location": "$message.header#/ce-id"},
        "payload": {"$ref": f"#/components/schemas/{payload}"},
        "bindings": {"amqp": {"contentEncoding": "utf-8", **_BINDING}},
        "examples": [example],
    }


def _headers() -> dict[str, Any]:
    names = ("ce-id", "ce-type", "ce-subject", "traceparent")
    return {
        "type": "object",
        "description": "与消息体中的CloudEvents属性一致 (mirror the CloudEvents attributes of the body)",
        "properties": {name: {"type": "string"} for name in names},
        "required": [*names[:3]],
    }
