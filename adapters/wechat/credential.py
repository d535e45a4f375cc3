"""The call that fetches an access token: `POST /cgi-bin/stable_token`."""

from collections.abc import Callable, Mapping
from datetime import datetime

import aiohttp
import orjson

from adapters.wechat.api import JSON_HEADERS, judged
from adapters.wechat.settings import PUBLIC_API, WechatSettings, secret
from adapters.wechat.token import Token
from adapters.wechat.words import Policy
from bridge.adapter import Busy, Permanent, Transient, Unknown
from bridge.outcall import Reply, call

STABLE_TOKEN = "/cgi-bin/stable_token"  # noqa: S105 - a path


class StableToken:
    """Asks for the account's stable token. Nothing has been sent yet, so no failure here is `Unknown`."""

    def __init__(
        self,
        settings: WechatSettings,
        errors: Mapping[int, Policy],
        session: Callable[[], aiohttp.ClientSession],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._errors = errors
        self._session = session
        self._now = now

    async def __call__(self, force: bool) -> Token:
        if not (self._settings.app_id and self._settings.app_secret):
            raise Permanent("no_app_secret_configured")
        try:
            answer = judged(await self._ask(force), self._errors, self._now(), errcode_required=False)
            return Token(str(answer["access_token"]), float(answer.get("expires_in", 7200)))
        except Unknown as error:
            raise Transient(f"token:{error.code}") from error
        except Permanent as error:
            # A wrong setting is no fault of the hand-off that happened to need a token.
            raise Busy(f"token:{error.code}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise Transient("token:answer_unreadable") from error

    async def _ask(self, force: bool) -> Reply:
        settings = self._settings
        document = {
            "grant_type": "client_credential",
            "appid": settings.app_id,
            "secret": secret(settings.app_secret),
            "force_refresh": force,
        }
        return await call(
            self._session(),
            "POST",
            (settings.base_url or PUBLIC_API).rstrip("/") + STABLE_TOKEN,
            timeout_seconds=settings.timeout_seconds,
            body=orjson.dumps(document),
            headers=JSON_HEADERS,
        )
