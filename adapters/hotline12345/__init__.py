"""The 12345 hotline: speaks the municipal docking standard (see README.md in this folder)."""

from typing import TYPE_CHECKING

from adapters.hotline12345.cases import SYSTEM
from adapters.hotline12345.settings import HotlineSettings
from bridge.adapter import Adapter, Manifest, SandboxPlan, Workshop

if TYPE_CHECKING:
    from starlette.applications import Starlette


def build(settings: HotlineSettings, workshop: Workshop) -> Adapter:
    from adapters.hotline12345 import codes
    from adapters.hotline12345.client import Client
    from adapters.hotline12345.inbound import HotlineInbound
    from adapters.hotline12345.outbound import HotlineOutbound
    from adapters.hotline12345.poller import HotlinePoller

    tables = codes.load(settings.codes)
    client = Client(settings, workshop, tables)
    polls = settings.poll_seconds > 0 and settings.base_url is not None
    return Adapter(
        system=SYSTEM,
        inbound=HotlineInbound(settings, tables),
        outbound=HotlineOutbound(client, tables, settings.unit_name),
        poller=HotlinePoller(client, tables, settings.poll_seconds, settings.page_size) if polls else None,
    )


def sandbox(settings: HotlineSettings, plan: SandboxPlan) -> "Starlette":
    from adapters.hotline12345.sandbox import app

    return app(settings, plan)


def sandbox_settings(base_url: str, secret: str) -> HotlineSettings:
    """Settings that connect the bridge with its sandbox; `secret` is drawn anew for each run."""
    return HotlineSettings.model_validate(
        {
            "base_url": base_url,
            "client_id": "laiting",
            "client_secret": f"client-{secret}",
            "sender_code": "laiting",
            "inbound_key": f"inbound-{secret}",
            "poll_seconds": 2.0,
        }
    )


MANIFEST = Manifest(
    system=SYSTEM,
    zh="12345热线",
    settings=HotlineSettings,
    build=build,
    sandbox=sandbox,
    sandbox_settings=sandbox_settings,
)
