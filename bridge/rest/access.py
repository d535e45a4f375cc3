"""Who calls, and what they may: `Authorization: Bearer <key>` against the key ring."""

from starlette.requests import Request

from bridge.apikeys import Caller, KeyRing, Scope
from bridge.rest.problems import Problem


def caller(request: Request, ring: KeyRing, scope: Scope) -> Caller:
    """The caller, who has this scope. Raises `Problem` 401 or 403."""
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key:
        raise Problem(401, "Send `Authorization: Bearer <key>`; keys are made with `bridge keys api` (请提供API密钥)")
    known = ring.caller(key.strip())
    if known is None:
        raise Problem(401, "This key is not known here; keys are made with `bridge keys api` (API密钥无效)")
    if scope not in known.scopes:
        raise Problem(403, f"The key {known.name!r} lacks the scope {scope} (密钥缺少权限 {scope})")
    return known
