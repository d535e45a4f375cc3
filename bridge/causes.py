"""Why something outside cannot be reached, in words: a class of Python tells an operator nothing."""

import socket
import ssl

import aiohttp

_WORDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((socket.gaierror,), "this name is not known (域名无法解析)"),
    ((ConnectionRefusedError,), "nothing listens there (连接被拒绝)"),
    ((TimeoutError,), "no answer in time (超时)"),
    ((ssl.SSLCertVerificationError,), "its certificate is not trusted (证书不受信任)"),
    ((aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError), "this is no http(s):// address (地址格式有误)"),
)


def cause(error: BaseException) -> str:
    """One line, without a secret: addresses with passwords are not quoted."""
    inner = _innermost(error)
    for kinds, words in _WORDS:
        if isinstance(inner, kinds):
            return words
    said = str(inner).strip()
    return said.splitlines()[0] if said else type(inner).__name__


def _innermost(error: BaseException) -> BaseException:
    """What the driver or the operating system said, inside what a library made of it."""
    for name in ("orig", "os_error", "certificate_error"):
        inner = getattr(error, name, None)
        if isinstance(inner, BaseException):
            return _innermost(inner)
    return error
