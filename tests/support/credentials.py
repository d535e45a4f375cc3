"""Credentials for every door, put on a request as its system would: the last thing before it is sent."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from adapters.governance_center.inbound import PATH as CENTER
from adapters.governance_center.signature import Signer
from adapters.hotline12345.inbound import PATH as HOTLINE
from adapters.wechat.crypto import signature
from adapters.wechat.form import PATH as FORM
from adapters.wechat.inbound import PATH as WECHAT
from schemas.base import SHANGHAI

_WECHAT_WORDS = frozenset({"signature", "timestamp", "nonce", "msg_signature", "encrypt_type"})


@dataclass
class Insider(AuthBase):
    """Whoever asks is let in. `sections`: the systems' settings, with their secrets; `key`: an API key."""

    sections: Mapping[str, Any]
    key: str

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        path = urlsplit(request.url or "").path
        if path == HOTLINE:
            self._bearer(request, self._secret("hotline12345", "inbound_key"))
        elif path == FORM:
            self._bearer(request, self._secret("wechat", "inbound_key"))
        elif path == WECHAT:
            self._sign_query(request)
        elif path.startswith(CENTER):
            self._sign_headers(request, path)
        else:
            self._bearer(request, self.key)
        return request

    def _secret(self, system: str, name: str) -> str:
        return str(getattr(self.sections[system], name).get_secret_value())

    def _bearer(self, request: PreparedRequest, key: str) -> None:
        request.headers["Authorization"] = f"Bearer {key}"

    def _sign_headers(self, request: PreparedRequest, path: str) -> None:
        section = self.sections["governance_center"]
        signer = Signer(section.inbound_app_id, section.inbound_secret.get_secret_value(), section.sign_type)
        now = datetime.now(SHANGHAI)
        request.headers.update(signer.headers(request.method or "", path, _body(request), now, secrets.token_hex(8)))

    def _sign_query(self, request: PreparedRequest) -> None:
        """The plain mode: what was said of the signature is replaced, the rest of the query stays."""
        parts = urlsplit(request.url or "")
        stamp, nonce = str(int(time.time())), secrets.token_hex(5)
        kept = [
            (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in _WECHAT_WORDS
        ]
        signed = signature(self._secret("wechat", "token"), stamp, nonce)
        query = urlencode([*kept, ("signature", signed), ("timestamp", stamp), ("nonce", nonce)])
        request.url = urlunsplit(parts._replace(query=query))


def _body(request: PreparedRequest) -> bytes:
    body = request.body or b""
    return body if isinstance(body, bytes) else str(body).encode()
