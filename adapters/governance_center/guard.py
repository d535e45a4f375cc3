"""Whether a signed request comes from who it says: used by our door and by the sandbox's."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from adapters.governance_center.signature import SignType, same, sign

HEADERS = ("x-app-id", "x-timestamp", "x-nonce", "x-sign-type", "x-sign")
LONGEST_NONCE = 128
LONGEST_TIMESTAMP = 12

REFUSALS: dict[str, str] = {
    "not_configured": "认证信息[auth]无效：本端尚未配置接入应用",
    "missing_header": "认证信息[auth]无效：缺少请求头，须有X-App-Id、X-Timestamp、X-Nonce、X-Sign-Type、X-Sign",
    "unknown_key": "认证信息[auth]无效：应用标识或签名不正确",
    "bad_sign_type": "认证信息[auth]无效：X-Sign-Type须为HMAC-SM3或HMAC-SHA256",
    "bad_nonce": "认证信息[auth]无效：X-Nonce须为1至128个可见ASCII字符",
    "bad_timestamp": "认证信息[auth]无效：X-Timestamp须为Unix秒",
    "stale_timestamp": "认证信息[auth]无效：X-Timestamp超出允许的时间窗口，请校准时钟",
    "bad_signature": "认证信息[auth]无效：应用标识或签名不正确",
    "replayed_nonce": "认证信息[auth]无效：X-Nonce已使用过，每次请求须用新值",
}
"""Why a request is refused, and what the caller reads. An unknown app and a wrong signature read alike."""


class Guard:
    """Knows one caller. `fault` gives the code of the first thing that is wrong, or None."""

    def __init__(self, app_id: str, secret: str, window_seconds: int) -> None:
        self._app_id = app_id
        self._secret = secret
        self._window = window_seconds

    def fault(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        if not (self._app_id and self._secret):
            return "not_configured"
        if not all(headers.get(name) for name in HEADERS):
            return "missing_header"
        if not same(headers["x-app-id"], self._app_id):
            return "unknown_key"
        return self._bad_form(headers, now) or self._bad_signature(method, path, headers, body)

    def _bad_form(self, headers: Mapping[str, str], now: datetime) -> str | None:
        nonce, timestamp = headers["x-nonce"], headers["x-timestamp"]
        if headers["x-sign-type"] not in {known.value for known in SignType}:
            return "bad_sign_type"
        if len(nonce) > LONGEST_NONCE or not (nonce.isascii() and nonce.isprintable()):
            return "bad_nonce"
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= LONGEST_TIMESTAMP):
            return "bad_timestamp"
        return "stale_timestamp" if abs(now.timestamp() - int(timestamp)) > self._window else None

    def _bad_signature(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str | None:
        sign_type = SignType(headers["x-sign-type"])
        # Servers hand on the path decoded; a caller signs it as it stands on the request line.
        for written in dict.fromkeys((path, quote(path))):
            made = sign(sign_type, self._secret, method, written, headers["x-timestamp"], headers["x-nonce"], body)
            if same(made, headers["x-sign"]):
                return None
        return "bad_signature"
