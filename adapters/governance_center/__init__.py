"""The social governance center (社会治理服务中心): signed JSON event documents, both ways."""

from typing import TYPE_CHECKING

from adapters.governance_center.calling import Caller
from adapters.governance_center.codes import load
from adapters.governance_center.inbound import CenterInbound
from adapters.governance_center.numbers import SYSTEM
from adapters.governance_center.outbound import CenterOutbound
from adapters.governance_center.register import CenterRegister
from adapters.governance_center.settings import CenterSettings, sandbox_settings
from bridge.adapter import IDENTITY, Adapter, Manifest, Need, SandboxPlan, Workshop
from bridge.apipart import ApiPart

if TYPE_CHECKING:
    from starlette.applications import Starlette


def build(settings: CenterSettings, workshop: Workshop) -> Adapter:
    codes = load(settings.platform, settings.codes)
    caller = Caller(settings, workshop)
    return Adapter(
        SYSTEM,
        CenterInbound(settings, codes),
        CenterOutbound(caller, codes),
        register=CenterRegister(caller, codes, settings.app_id),
    )


def sandbox(settings: CenterSettings, plan: SandboxPlan) -> "Starlette":
    from adapters.governance_center.sandbox import application

    return application(settings, plan)


def api_part() -> ApiPart:
    from adapters.governance_center.openapi import part

    return part()


MANIFEST = Manifest(
    system=SYSTEM,
    zh="社会治理服务中心",
    needs=IDENTITY | {Need.ADDRESS, Need.COORDINATES, Need.ATTACHMENTS},
    needs_confidential=frozenset({Need.ADDRESS, Need.COORDINATES, Need.ATTACHMENTS}),
    settings=CenterSettings,
    build=build,
    sandbox=sandbox,
    sandbox_settings=sandbox_settings,
    openapi=api_part,
)
