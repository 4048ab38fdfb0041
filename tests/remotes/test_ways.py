"""The way to GitHub: through proxies, to servers that a private authority vouches for."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from memory_sync.errors import (
    MemorySyncError,
    OfflineError,
    ProxyError,
    RemoteTroubleError,
    UntrustedError,
)
from memory_sync.ports.github import GitHubRemote, login
from memory_sync.ports.github.transport import (
    AsideError,
    Link,
    Transport,
    session,
    without_password,
)
from memory_sync.ports.token import Token
from tests.hub import Hub, faults
from tests.hub.faults import Fault
from tests.hub.proxy import Proxy
from tests.hub.tls import make_ca

PASSWORD = "s3cret:p@ss/word"
WRITTEN = "ada:s3cret%3Ap%40ss%2Fword"
"""A user with that password, as it stands in a URL."""
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the tester's own environment says of proxies and authorities."""
    for name in (*VARIABLES, *map(str.lower, VARIABLES), *BUNDLES):
        monkeypatch.delenv(name, raising=False)


@dataclass(frozen=True)
class Secure:
    """A GitHub over TLS, and what has to be trusted to reach it."""

    hub: Hub
    ca_file: Path
    tls: ssl.SSLContext

    @property
    def base_url(self) -> str:
        """Where its API is."""
        return self.hub.base_url


class Ways:
    """A GitHub with a user, and clients that reach it in one way or another."""

    def __init__(self, hub: Hub, stack: ExitStack, folder: Path) -> None:
        self.hub = hub
        self.token = Token(hub.add_user("ada"), "a test")
        self._folder = folder
        self._stack = stack

    def proxy(
        self,
        *,
        user: str | None = None,
        refuses: int | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Proxy:
        """Have a proxy run."""
        return self._stack.enter_context(Proxy(user=user, refuses=refuses, tls=tls))

    def secure(self, name: str = "own", address: str = "127.0.0.1") -> Secure:
        """Have another GitHub run, which knows the same people, under an authority of its own."""
        folder = self._folder / name
        folder.mkdir()
        ca_file, tls = make_ca(folder, address)
        hub = self._stack.enter_context(Hub(self.hub.schema, tls=tls))
        hub.accounts = self.hub.accounts
        return Secure(hub, ca_file, tls)

    def remote(
        self,
        base_url: str = "",
        *,
        proxy: str | None = None,
        ca_file: Path | None = None,
        timeout: float = 5.0,
    ) -> GitHubRemote:
        """Make a client."""
        made = GitHubRemote(
            "ada/vault",
            self.token,
            base_url or self.hub.base_url,
            timeout,
            proxy=proxy,
            ca_file=ca_file,
        )
        return self._stack.enter_context(closing(made))


@pytest.fixture
def ways(hub: Hub, tmp_path: Path) -> Iterator[Ways]:
    """Return a GitHub with a user."""
    with ExitStack() as stack:
        yield Ways(hub, stack, tmp_path)


def refusal(remote: GitHubRemote) -> MemorySyncError:
    """Return the error that a question ends with; it is offline-like and holds no password."""
    with pytest.raises(MemorySyncError) as raised:
        remote.condition()
    error = raised.value
    assert isinstance(error, OfflineError)
    assert PASSWORD not in str(error) + repr(error.facts)
    assert "s3cret" not in str(error) + repr(error.facts)
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


# --- proxies --------------------------------------------------------------------------------


def test_a_proxy_is_gone_through(ways: Ways) -> None:
    """All requests to an http:// server go to the proxy, with the whole URL."""
    proxy = ways.proxy()
    remote = ways.remote(proxy=proxy.url())
    remote.create()
    assert remote.condition().exists
    assert len(proxy.seen) == len(ways.hub.requests)
    assert proxy.seen[-1] == f"GET {ways.hub.base_url}/repos/ada/vault"


def test_a_proxy_sees_nothing_of_what_passes_over_tls(ways: Ways) -> None:
    """An https:// server is reached by a tunnel, one for all requests."""
    proxy, own = ways.proxy(), ways.secure()
    remote = ways.remote(own.base_url, proxy=proxy.url(), ca_file=own.ca_file)
    remote.create()
    assert remote.condition().exists
    assert proxy.seen == [f"CONNECT {urlsplit(own.base_url).netloc}"]


@pytest.mark.parametrize("tunnelled", [False, True])
def test_a_proxy_gets_its_password(ways: Ways, tunnelled: bool) -> None:
    """User and password are sent to it as they are meant, not as the URL writes them."""
    proxy, own = ways.proxy(user=f"ada:{PASSWORD}"), ways.secure()
    base_url = own.base_url if tunnelled else ""
    remote = ways.remote(base_url, proxy=proxy.url(WRITTEN), ca_file=own.ca_file)
    assert not remote.condition().exists
    assert proxy.seen


@pytest.mark.parametrize("tunnelled", [False, True])
@pytest.mark.parametrize("user", ["", "ada:s3cret"])
def test_a_proxy_that_wants_another_password_is_named_without_it(
    ways: Ways, tunnelled: bool, user: str
) -> None:
    """407 is an error that names the proxy; once the proxy takes it, the same client goes on."""
    proxy, own = ways.proxy(user="ada:other"), ways.secure()
    base_url = own.base_url if tunnelled else ""
    remote = ways.remote(base_url, proxy=proxy.url(user), ca_file=own.ca_file)
    error = refusal(remote)
    assert isinstance(error, ProxyError)
    assert f"The proxy {proxy.url()} does not lead to github:ada/vault" in error.message
    assert "(407)" in error.message
    assert not ways.hub.requests + own.hub.requests
    proxy.user = user or None
    assert not remote.condition().exists


def test_a_proxy_that_refuses_is_named(ways: Ways) -> None:
    """A tunnel that is refused is the proxy's doing; it goes on when the proxy does."""
    proxy, own = ways.proxy(refuses=502), ways.secure()
    remote = ways.remote(own.base_url, proxy=proxy.url(), ca_file=own.ca_file)
    error = refusal(remote)
    assert isinstance(error, ProxyError)
    assert error.message.startswith(f"The proxy {proxy.url()} ")
    assert "it answered 502" in error.message
    proxy.refuses = None
    assert not remote.condition().exists


def test_without_a_tunnel_a_proxys_502_is_trouble(ways: Ways) -> None:
    """With http:// nobody can tell whose answer it is; it is tried again in either case."""
    proxy = ways.proxy(refuses=502)
    assert isinstance(refusal(ways.remote(proxy=proxy.url())), RemoteTroubleError)


@pytest.mark.parametrize("tunnelled", [False, True])
def test_a_proxy_that_is_down_is_named(ways: Ways, tunnelled: bool) -> None:
    """Nobody listens where the proxy is to be: the error says so, not that GitHub is away."""
    with Proxy() as gone:
        url = gone.url(WRITTEN)
    base_url = ways.secure().base_url if tunnelled else ""
    error = refusal(ways.remote(base_url, proxy=url))
    assert isinstance(error, ProxyError)
    assert f"{gone.url()} does not lead" in error.message
    assert "takes no connections" in error.message


def test_a_proxy_that_says_nothing(ways: Ways) -> None:
    """One that takes the connection and never answers costs the time-out, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        error = refusal(ways.remote(ways.secure().base_url, proxy=url, timeout=0.3))
    assert "no answer in time" in error.message


def test_a_proxy_whose_name_is_not_known(ways: Ways) -> None:
    """A wrong host in `proxy` is told apart from a missing network."""
    error = refusal(ways.remote(proxy="http://proxy.invalid:3128"))
    assert isinstance(error, ProxyError)
    assert "(DNS)" in error.message


def test_a_proxy_over_tls(ways: Ways) -> None:
    """An https:// proxy is held to the same authorities, and tunnels TLS within TLS."""
    own = ways.secure()
    proxy = ways.proxy(tls=own.tls, user=f"ada:{PASSWORD}")
    remote = ways.remote(own.base_url, proxy=proxy.url(WRITTEN), ca_file=own.ca_file)
    assert not remote.condition().exists
    assert proxy.seen == [f"CONNECT {urlsplit(own.base_url).netloc}"]
    error = refusal(ways.remote(own.base_url, proxy=proxy.url(WRITTEN)))
    assert isinstance(error, ProxyError)
    assert "certificate is not trusted" in error.message


def test_the_environments_proxy_counts_without_a_setting(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY and NO_PROXY mean what they mean elsewhere."""
    proxy, own = ways.proxy(), ways.secure()
    monkeypatch.setenv("HTTPS_PROXY", proxy.url())
    ways.remote(own.base_url, ca_file=own.ca_file).condition()
    assert len(proxy.seen) == 1
    monkeypatch.setenv("NO_PROXY", "example.org,127.0.0.1")
    ways.remote(own.base_url, ca_file=own.ca_file).condition()
    assert len(own.hub.requests) == 2
    assert len(proxy.seen) == 1


def test_a_proxy_that_is_set_wins_over_the_environments(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`proxy` is taken, not HTTP_PROXY; but a host in NO_PROXY is reached without either."""
    ours, theirs = ways.proxy(), ways.proxy(refuses=502)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, theirs.url())
    remote = ways.remote(proxy=ours.url())
    remote.condition()
    assert len(ours.seen) == 1
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    remote.condition()
    assert len(ways.hub.requests) == 2
    assert len(ours.seen) == 1


def test_a_kind_of_proxy_that_cannot_be_used(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of another kind in the environment is an error that names it."""
    monkeypatch.setenv("ALL_PROXY", f"socks5://{WRITTEN}@127.0.0.1:1080")
    error = refusal(ways.remote())
    assert isinstance(error, ProxyError)
    assert "socks5://127.0.0.1:1080" in error.message


def test_a_link_shows_no_password() -> None:
    """Neither its `repr` nor the proxy's name for people has it."""
    link = Link("https://x", 1.0, f"http://{WRITTEN}@proxy:3128")
    assert "s3cret" not in repr(link)
    assert without_password(link.proxy or "") == "http://proxy:3128"
    assert without_password("http://proxy:3128") == "http://proxy:3128"
    for proxy in ("http://me:se://cret@proxy", "http://me:s@cret@proxy", "me:se://cret@proxy"):
        assert without_password(proxy).rpartition("/")[2] == "proxy"
        assert "cret" not in without_password(proxy)


# --- authorities ----------------------------------------------------------------------------


def test_a_private_authority_has_to_be_named(ways: Ways) -> None:
    """Without `ca_file`, or with another authority's, the server is not spoken to."""
    own, other = ways.secure(), ways.secure("other")
    for ca_file, shown in ((None, "not set"), (other.ca_file, str(other.ca_file))):
        error = refusal(ways.remote(own.base_url, ca_file=ca_file))
        assert isinstance(error, UntrustedError)
        assert "The certificate of 127.0.0.1 is not trusted" in error.message
        assert error.message.endswith(f"ca_file of [github]: {shown}.")
    assert not own.hub.requests
    assert not ways.remote(own.base_url, ca_file=own.ca_file).condition().exists


def test_the_public_authorities_count_beside_a_private_one(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One configuration reaches a server of its own and a public one; a variable names these."""
    own, public = ways.secure(), ways.secure("public")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(public.ca_file))
    for server in (own, public):
        assert not ways.remote(server.base_url, ca_file=own.ca_file).condition().exists
    assert isinstance(refusal(ways.remote(own.base_url)), UntrustedError)


def test_the_public_authorities_are_there_without_a_variable(tmp_path: Path) -> None:
    """What is trusted with `ca_file` is the public list, and one more."""
    counts = []
    for ca_file in (None, make_ca(tmp_path)[0]):
        transport = Transport(Link("https://x", 1.0, None, ca_file))
        counts.append(transport._trusted.cert_store_stats()["x509"])
    assert counts[0] > 50
    assert counts[1] == counts[0] + 1


def test_a_certificate_for_another_server(ways: Ways) -> None:
    """An authority's word is for the server that it names alone."""
    own = ways.secure(address="127.0.0.2")
    error = refusal(ways.remote(own.base_url, ca_file=own.ca_file))
    assert isinstance(error, UntrustedError)
    assert "127.0.0.1" in error.message


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("")])
def test_a_ca_file_that_goes_away_is_named(ways: Ways, spoil: Callable[[Path], object]) -> None:
    """A file that was good when it was set and is not any more: the error names it."""
    own = ways.secure()
    good = own.ca_file.read_bytes()
    remote = ways.remote(own.base_url, ca_file=own.ca_file)
    spoil(own.ca_file)
    error = refusal(remote)
    assert isinstance(error, UntrustedError)
    assert f"ca_file {own.ca_file} cannot be used" in error.message
    own.ca_file.write_bytes(good)
    assert not remote.condition().exists


def test_a_bundle_of_the_environment_that_is_not_there(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable that leads nowhere."""
    monkeypatch.setenv("CURL_CA_BUNDLE", "/no/such/bundle.pem")
    error = refusal(ways.remote(ways.secure().base_url))
    assert "CURL_CA_BUNDLE /no/such/bundle.pem cannot be used" in error.message


def test_a_login_is_asked_for_in_the_same_way(ways: Ways) -> None:
    """Asking whose token it is goes through the proxy, and trusts the same authority."""
    proxy, own = ways.proxy(), ways.secure()
    asked = login(ways.token, own.base_url, 5.0, proxy=proxy.url(), ca_file=own.ca_file)
    assert asked == "ada"
    assert len(proxy.seen) == 1


# --- a plain session ------------------------------------------------------------------------


def test_a_plain_session_sends_no_secret(
    ways: Ways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password that `.netrc` has for the host stays there."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login ada password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with session(Link(ways.hub.base_url, 5.0)) as plain:
        answer = plain.get(f"{ways.hub.base_url}/user")
    assert "Authorization" not in answer.request.headers


def test_a_plain_session_follows_nothing(ways: Ways) -> None:
    """Whoever asks is told where an answer leads."""
    elsewhere = faults.status(302, b"", {"Location": "http://127.0.0.1:1/x"})
    ways.hub.faults.add(Fault("GET /user", elsewhere, 1))
    with (
        session(Link(ways.hub.base_url, 5.0)) as plain,
        pytest.raises(AsideError) as raised,
    ):
        plain.get(f"{ways.hub.base_url}/user")
    assert (raised.value.status, raised.value.location) == (302, "http://127.0.0.1:1/x")


def test_a_plain_session_waits_no_longer_than_it_may(ways: Ways) -> None:
    """The time-out of the link is that of the session, fractions included."""
    ways.hub.faults.add(Fault("GET /user", faults.delay(2.0), 1))
    with (
        session(Link(ways.hub.base_url, 0.2)) as plain,
        pytest.raises(requests.exceptions.ReadTimeout),
    ):
        plain.get(f"{ways.hub.base_url}/user")
