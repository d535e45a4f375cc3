"""The 12345 hotline: speaks the municipal docking standard (see README.md in this folder)."""

from typing import TYPE_CHECKING

from adapters.hotline12345.cases import SYSTEM
from adapters.hotline12345.settings import HotlineSettings
from bridge.adapter import Adapter, Manifest, Need, SandboxPlan, Workshop
from bridge.apipart import ApiPart

if TYPE_CHECKING:
    from starlette.applications import Starlette


def build(settings: HotlineSettings, workshop: Workshop) -> Adapter:
    from adapters.hotline12345 import codes
    from adapters.hotline12345.client import Client
    from adapters.hotline12345.dictionary import Dictionary
    from adapters.hotline12345.enclosing import Enclosing
    from adapters.hotline12345.inbound import HotlineInbound
    from adapters.hotline12345.medias import Fetcher
    from adapters.hotline12345.outbound import HotlineOutbound
    from adapters.hotline12345.poller import HotlinePoller
    from adapters.hotline12345.register import HotlineRegister

    tables = codes.load(settings.codes)
    client = Client(settings, workshop, tables)
    dictionary = Dictionary(client, tables, settings.dictionary_hours, workshop.now)
    fetcher = Fetcher(settings.trusted_hosts, settings.media_max_bytes, settings.timeout_seconds)
    enclosing = Enclosing(settings.medias, settings.media_base_url, fetcher)
    polls = settings.poll_seconds > 0 and settings.base_url is not None
    return Adapter(
        system=SYSTEM,
        inbound=HotlineInbound(settings, lambda: dictionary.codes),
        outbound=HotlineOutbound(client, dictionary, enclosing, settings.unit_name),
        poller=HotlinePoller(client, dictionary, settings.poll_seconds, settings.page_size) if polls else None,
        register=HotlineRegister(client, dictionary, settings.page_size),
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


def arrival_keys(handoff_id: str, audience: frozenset[str]) -> frozenset[str]:
    """A hand-off may take further calls (a place, files, a signature first), each with a uid of its own."""
    return frozenset({handoff_id, *(f"{handoff_id}/{part}" for part in ("info", "media", "sign"))})


def api_part() -> ApiPart:
    from adapters.hotline12345.openapi import part

    return part()


MANIFEST = Manifest(
    system=SYSTEM,
    zh="12345热线",
    needs=frozenset({Need.NAME, Need.PHONE, Need.ADDRESS, Need.COORDINATES, Need.ATTACHMENTS}),
    needs_confidential=frozenset({Need.ADDRESS, Need.COORDINATES, Need.ATTACHMENTS}),
    settings=HotlineSettings,
    build=build,
    sandbox=sandbox,
    sandbox_settings=sandbox_settings,
    arrival_keys=arrival_keys,
    openapi=api_part,
)
