"""The WeChat service account (服务号): citizens and secretaries on one side, template messages on the other."""

from typing import TYPE_CHECKING

from adapters.wechat.settings import PUBLIC_API, WechatSettings
from bridge.adapter import Adapter, Manifest, Need, SandboxPlan, Workshop
from bridge.apipart import ApiPart

if TYPE_CHECKING:
    from starlette.applications import Starlette


def build(settings: WechatSettings, workshop: Workshop) -> Adapter:
    """The adapter, wired. Raises `ValueError` with one clear line for a table that cannot be read."""
    from adapters.wechat import recipients, words
    from adapters.wechat.api import Api
    from adapters.wechat.credential import StableToken
    from adapters.wechat.inbound import WechatInbound
    from adapters.wechat.outbound import WechatOutbound
    from adapters.wechat.register import WechatRegister
    from adapters.wechat.token import TokenKeeper
    from adapters.wechat.ways import Ways

    texts = words.load(settings.words)
    people = recipients.load(settings.recipients, settings.duty_openid, workshop.directory)
    fetch = StableToken(settings, texts.errors, workshop.session, workshop.now)
    keeper = TokenKeeper(fetch, workshop.now, workshop.hold)
    api = Api(
        settings.base_url or PUBLIC_API, keeper, texts.errors, workshop.session, workshop.now, settings.timeout_seconds
    )
    register = WechatRegister(settings, texts, workshop.session)
    outbound = WechatOutbound(Ways(api, settings, texts, workshop.now), people, texts)
    return Adapter(system="wechat", inbound=WechatInbound(settings, texts), outbound=outbound, register=register)


def sandbox(settings: WechatSettings, plan: SandboxPlan) -> "Starlette":
    from adapters.wechat.sandbox import app

    return app(settings, plan)


def sandbox_settings(base_url: str, secret: str) -> WechatSettings:
    from adapters.wechat.sandbox import settings

    return settings(base_url, secret)


def arrival_keys(handoff_id: str, audience: frozenset[str]) -> frozenset[str]:
    """A hand-off arrives as one message for each of its audience, and as one that asks the owner to call where the
    petitioner cannot be reached."""
    from adapters.wechat.outbound import ASKED_TO_CALL
    from adapters.wechat.ways import client_msg_id

    asked = {ASKED_TO_CALL} if "petitioner" in audience else set()
    return frozenset(client_msg_id(handoff_id, who) for who in audience | asked)


def api_part() -> ApiPart:
    from adapters.wechat.openapi import part

    return part()


MANIFEST = Manifest(
    system="wechat",
    zh="微信服务号",
    # The openid is where the message goes. Attachments are only compared with the form back end's own list.
    needs=frozenset({Need.OPENID, Need.SECRETARY, Need.ATTACHMENTS}),
    needs_confidential=frozenset({Need.OPENID, Need.SECRETARY, Need.ATTACHMENTS}),
    settings=WechatSettings,
    build=build,
    sandbox=sandbox,
    sandbox_settings=sandbox_settings,
    arrival_keys=arrival_keys,
    openapi=api_part,
)
