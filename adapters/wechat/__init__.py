"""The WeChat service account (服务号): citizens and secretaries on one side, template messages on the other."""

from typing import TYPE_CHECKING

from adapters.wechat.settings import PUBLIC_API, WechatSettings
from bridge.adapter import Adapter, Manifest, Need, SandboxPlan, Workshop

if TYPE_CHECKING:
    from starlette.applications import Starlette


def build(settings: WechatSettings, workshop: Workshop) -> Adapter:
    """The adapter, wired. Raises `ValueError` with one clear line for a table that cannot be read."""
    from adapters.wechat import recipients, words
    from adapters.wechat.api import Api
    from adapters.wechat.credential import StableToken
    from adapters.wechat.inbound import WechatInbound
    from adapters.wechat.outbound import WechatOutbound
    from adapters.wechat.token import TokenKeeper

    texts = words.load(settings.words)
    people = recipients.load(settings.recipients, settings.duty_openid)
    keeper = TokenKeeper(StableToken(settings, texts.errors, workshop.session, workshop.now), workshop.now)
    api = Api(
        settings.base_url or PUBLIC_API, keeper, texts.errors, workshop.session, workshop.now, settings.timeout_seconds
    )
    outbound = WechatOutbound(api, settings.templates, people, texts, workshop)
    return Adapter(system="wechat", inbound=WechatInbound(settings, texts), outbound=outbound)


def sandbox(settings: WechatSettings, plan: SandboxPlan) -> "Starlette":
    from adapters.wechat.sandbox import app

    return app(settings, plan)


def sandbox_settings(base_url: str, secret: str) -> WechatSettings:
    from adapters.wechat.sandbox import settings

    return settings(base_url, secret)


def arrival_keys(handoff_id: str, audience: frozenset[str]) -> frozenset[str]:
    """A hand-off arrives as one message for each of its audience."""
    from adapters.wechat.outbound import client_msg_id

    return frozenset(client_msg_id(handoff_id, who) for who in audience)


MANIFEST = Manifest(
    system="wechat",
    zh="微信服务号",
    needs=frozenset({Need.OPENID, Need.SECRETARY}),
    needs_confidential=frozenset({Need.OPENID, Need.SECRETARY}),
    settings=WechatSettings,
    build=build,
    sandbox=sandbox,
    sandbox_settings=sandbox_settings,
    arrival_keys=arrival_keys,
)
