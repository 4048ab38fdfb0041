"""The way to a server: through which proxy, trusting whom, for how long, and where it ends.

All of that is decided here, and nothing by requests: of the environment it would take proxies
over those that are set, certificates instead of those in `ca_file`, and passwords from `.netrc`.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import requests
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.utils import (
    DEFAULT_CA_BUNDLE_PATH,
    get_environ_proxies,
    select_proxy,
    should_bypass_proxies,
)
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

from memory_sync.ports.github.answers import number

ASIDE = (202, 301, 302, 303, 307, 308)
"""Statuses on which PyGithub would go on by itself, or give back an object full of None."""
COUNTED = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name the public authorities to trust, the first that is set."""

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
WRONG_LOGIN = "it wants another user or password (407)"
PROXY_TROUBLE = (
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.InvalidSchema,  # socks:// in the environment, without what it takes
)


@dataclass(frozen=True, slots=True)
class Link:
    """How a server is reached: `timeout` in seconds for each wait on the network.

    Without `proxy` (a URL, with a password perhaps) the environment tells. The authorities in
    `ca_file` are trusted besides the public ones.
    """

    base_url: str
    timeout: float
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None


class AsideError(Exception):
    """An answer that leads elsewhere."""

    def __init__(self, status: int, location: str) -> None:
        super().__init__(status)
        self.status: Final = status
        self.location: Final = location


class ProxyFailedError(Exception):
    """The proxy did not let the request through; `proxy` is fit to be shown."""

    def __init__(self, proxy: str, detail: str) -> None:
        super().__init__(detail)
        self.proxy: Final = proxy
        self.detail: Final = detail


class UntrustedServerError(Exception):
    """Nobody who is trusted vouches for the server's certificate."""


def session(link: Link) -> Session:
    """Make a session for one thread that sends each request once and follows nothing.

    It raises AsideError, ProxyFailedError, UntrustedServerError, and what requests raises.
    """
    made = Session()
    made.trust_env = False
    transport = Transport(link)
    for scheme in ("https://", "http://"):
        made.mount(scheme, transport)
    return made


def proxy_for(link: Link, url: str) -> str | None:
    """Return the proxy through which a URL is reached, with its password, None for none.

    Hosts in NO_PROXY are reached without one, also where `proxy` is set.
    """
    if link.proxy is None:
        found: str | None = select_proxy(url, get_environ_proxies(url))
        return found or None
    return None if should_bypass_proxies(url, None) else link.proxy


def without_password(proxy: str) -> str:
    """Return a proxy's URL without user and password."""
    scheme = SCHEME.match(proxy)
    return (scheme[0] if scheme else "") + proxy[scheme.end() if scheme else 0 :].rpartition("@")[2]


class Transport(HTTPAdapter):
    """Sends a request once, with a time-out that may be a fraction of a second."""

    def __init__(self, link: Link) -> None:
        super().__init__(max_retries=0)
        self._link = link

    def send(  # noqa: PLR0917 - the base class's arguments
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,  # noqa: ARG002 - PyGithub's knows whole seconds only
        verify: bool | str = True,  # noqa: ARG002 - always
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - the link and the environment tell
    ) -> Response:
        """Send it."""
        proxy = proxy_for(self._link, request.url or "")
        ways = {"all": proxy} if proxy else {}
        try:
            response = super().send(request, stream, self._link.timeout, True, cert, ways)
        except requests.exceptions.SSLError as error:
            why = _unverified(error)
            raise (UntrustedServerError(why) if why else error) from None
        except PROXY_TROUBLE as error:
            raise ProxyFailedError(without_password(proxy or ""), _why(error)) from None
        if proxy and response.status_code == 407:
            response.close()
            raise ProxyFailedError(without_password(proxy), WRONG_LOGIN)
        if response.status_code in ASIDE:
            response.close()
            raise AsideError(response.status_code, response.headers.get("location", ""))
        for name in COUNTED:
            # PyGithub takes them for numbers, whatever they are.
            if number(response.headers.get(name, "0")) is None:
                del response.headers[name]
        # Otherwise the encoding is guessed from the bytes.
        response.encoding = "utf-8"
        return response

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        """Have all connections of this transport share what it trusts."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            pool["ssl_context"] = self._trusted
        return host, pool

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        """Trust a proxy that is itself reached over TLS as much as a server."""
        if proxy.lower().startswith("https:"):
            more["proxy_ssl_context"] = self._trusted
        return super().proxy_manager_for(proxy, **more)

    def cert_verify(self, conn: Any, *_: Any) -> None:
        """Have certificates checked against what is trusted already, and load no more."""
        conn.cert_reqs = "CERT_REQUIRED"

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        """The authorities to trust, read once; nobody needs them for http://."""
        name = next((name for name in BUNDLES if os.environ.get(name)), None)
        public = os.environ[name] if name else DEFAULT_CA_BUNDLE_PATH
        context = create_urllib3_context()
        _load(context, name or "the list of public authorities", public)
        if self._link.ca_file:
            _load(context, "ca_file", str(self._link.ca_file))
        return context


def _load(context: ssl.SSLContext, setting: str, path: str) -> None:
    """Trust the authorities in a file, or in a folder as OpenSSL has it."""
    folder = os.path.isdir(path)
    try:
        context.load_verify_locations(None if folder else path, path if folder else None)
    except OSError as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise UntrustedServerError(f"{setting} {path} cannot be used: {why}") from None


def _unverified(error: BaseException) -> str | None:
    """Return why a certificate was not accepted, None if that was not the trouble."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
    return None


def _why(error: Exception) -> str:
    """Say what kept a proxy from connecting; nothing that it said is repeated but its status."""
    if unverified := _unverified(error):
        return f"its certificate is not trusted: {unverified}"
    if isinstance(error, requests.exceptions.InvalidSchema):
        return "it is of a kind that cannot be used"
    for cause in _causes(error):
        if found := TUNNEL.search(str(cause)):
            return WRONG_LOGIN if found[1] == "407" else f"it answered {found[1]}"
        if isinstance(cause, NameResolutionError):
            return "its name is not known here (DNS)"
        if isinstance(cause, NewConnectionError):
            return "it takes no connections"
        if isinstance(cause, (ConnectTimeoutError, TimeoutError)):
            return "no answer in time"
    return "it does not connect"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Follow what requests and urllib3 wrapped, from the outside in."""
    while error is not None:
        yield error
        inside = [getattr(error, "reason", None), getattr(error, "original_error", None)]
        inside += error.args
        error = next((found for found in inside if isinstance(found, BaseException)), None)
