"""One signed call on the center."""

import secrets

from yarl import URL

from adapters.governance_center.settings import CenterSettings
from adapters.governance_center.signature import Signer
from bridge.adapter import Permanent, Workshop
from bridge.outcall import Reply, call

JSON = "application/json; charset=utf-8"


def fresh_nonce() -> str:
    return secrets.token_hex(16)


class Caller:
    """Calls below `base_url`, each signed anew."""

    def __init__(self, settings: CenterSettings, workshop: Workshop) -> None:
        self.timeout_seconds = settings.timeout_seconds
        self._workshop = workshop
        self._base = settings.base_url.rstrip("/") if settings.base_url else None
        self._signer = Signer(settings.app_id, settings.secret.get_secret_value(), settings.sign_type)

    async def call(self, method: str, path: str, body: bytes) -> Reply:
        """`path` begins with a slash. Raises `OutboundError`; without a base address nothing is sent."""
        if self._base is None:
            raise Permanent("no_base_url")
        url = URL(self._base + path)
        # As it will stand on the request line: the client writes some characters plain that came percent-encoded.
        headers = self._signer.headers(method, url.raw_path, body, self._workshop.now(), fresh_nonce())
        if body:
            headers["Content-Type"] = JSON
        return await call(
            self._workshop.session(),
            method,
            str(url),
            timeout_seconds=self.timeout_seconds,
            body=body or None,
            headers=headers,
        )
