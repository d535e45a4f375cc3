"""The bytes of an attachment (附件), opened only when somebody wants them: base64 in a raw message, or a file by
its path.

A path comes from outside, so it may point anywhere. It is fetched from public addresses only, and from the hosts
that the city has named; no redirect is followed, and nothing larger than the limit is read. The address is checked
where the connection is made, so that a name that changes its mind between the check and the call gains nothing.
"""

import base64
import binascii
import ipaddress
import socket
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from bridge import strictjson


class NotOpened(Exception):
    """The bytes cannot be had: `code` says why (`too_large`, `not_base64`, `private_address`, `redirect`, …)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def inline(body: bytes, n: int, limit: int) -> bytes:
    """The n-th file (from 0) inside a raw message: what the reference `raw:<message key>#medias/<n>` means.

    `body` is an envelope or a polled notice, as kept. Raises `NotOpened`.
    """
    try:
        document: Any = strictjson.loads_object(body)
        data = next(document[name] for name in ("data", "Data", "noticeData") if name in document)
        files = _parsed(_parsed(data)["medias"])
        return decoded(files[n]["content"], limit)
    except (strictjson.BadJson, StopIteration, KeyError, IndexError, TypeError):
        raise NotOpened("no_such_file") from None


def decoded(content: str, limit: int) -> bytes:
    """What base64 says, with or without a `data:` prefix. Raises `NotOpened`; the size is judged before decoding."""
    packed = content.partition(",")[2] if content.startswith("data:") else content
    if len(packed) * 3 // 4 > limit + 3:
        raise NotOpened("too_large")
    try:
        opened = base64.b64decode("".join(packed.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotOpened("not_base64") from None
    if len(opened) > limit:
        raise NotOpened("too_large")
    return opened


def _parsed(value: Any) -> Any:
    return strictjson.loads(value) if isinstance(value, str) else value


# ── by path ──


class Fetcher:
    """`trusted`: hosts that may be inside (the hotline's own file store on the government extranet)."""

    def __init__(self, trusted: Collection[str], limit: int, timeout_seconds: float) -> None:
        self._trusted = frozenset(host.lower() for host in trusted)
        self._limit = limit
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, url: str) -> bytes:
        """The file. Raises `NotOpened`."""
        self._check(url)
        try:
            async with self._http().get(url, allow_redirects=False, timeout=self._timeout) as response:
                if 300 <= response.status < 400:
                    raise NotOpened("redirect")
                if response.status != 200:
                    raise NotOpened(f"http_{response.status}")
                return await self._read(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # `from None`: the error's own text quotes the path.
            raise NotOpened(f"transport:{type(error).__name__}") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if (response.content_length or 0) > self._limit:
            raise NotOpened("too_large")
        content = bytearray()
        async for chunk in response.content.iter_chunked(65_536):
            content += chunk
            if len(content) > self._limit:
                raise NotOpened("too_large")
        return bytes(content)

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
        except ValueError:
            raise NotOpened("not_a_url") from None
        if parts.scheme not in ("http", "https") or not host:
            raise NotOpened("not_http")
        if parts.username is not None:
            raise NotOpened("credentials_in_url")
        # A host that is an address is not asked for by name: the resolver below would never see it.
        if host not in self._trusted and _is_address(host) and not is_public(host):
            raise NotOpened("private_address")

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            # A connector of its own: the process's common one must be able to reach the systems inside.
            connector = aiohttp.TCPConnector(resolver=_Guarded(self._trusted), use_dns_cache=False)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


class _Guarded(AbstractResolver):
    """Names resolved as usual; one that points inside, with any of its addresses, is refused."""

    def __init__(self, trusted: Collection[str]) -> None:
        self._trusted = trusted
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if host.lower() not in self._trusted and not all(is_public(one["host"]) for one in found):
            raise NotOpened("private_address")
        return found

    async def close(self) -> None:
        await self._inner.close()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, also when it hides in another (IPv4 in IPv6, 6to4, NAT64)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour
        if hidden is None and ip in _NAT64:
            hidden = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if hidden is not None:
            return is_public(str(hidden))
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
