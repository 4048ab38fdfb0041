"""Proxies, private authorities, and two servers in one configuration, as a person meets them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.person import QUICK, Person, Ran, until
from tests.hub import Hub
from tests.hub.proxy import Proxy
from tests.hub.tls import make_ca

SECRET = "hunter2"
SLOW = "[daemon]\ndebounce = 0.1\npoll = 1.0\n"
OUTSIDE = ("PROXY", "_CA_BUNDLE", "SSL_CERT")


@pytest.fixture
def here(ada: Person) -> Person:
    """Return a machine whose environment says nothing of proxies and authorities."""
    for name in list(ada.env):
        if any(word in name.upper() for word in OUTSIDE):
            del ada.env[name]
    return ada


@pytest.fixture
def own(hub: Hub, tmp_path: Path) -> Iterator[tuple[Hub, Path]]:
    """Serve a GitHub Enterprise of a firm's own, under an authority of its own, with a user eve."""
    folder = tmp_path / "firm"
    folder.mkdir()
    ca_file, tls = make_ca(folder)
    with Hub(hub.schema, tls=tls) as firm:
        firm.add_user("eve")
        yield firm, ca_file


def configure(person: Person, text: str) -> None:
    """Replace the configuration, which only its owner can read."""
    path = person.places.config_file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    path.write_text(text)


def github(base_url: str, **more: object) -> str:
    """Write the table [github]."""
    lines = [f'{key} = "{value}"' for key, value in more.items()]
    return "\n".join(["[github]", f'base_url = "{base_url}"', *lines, ""])


def begin(person: Person, token: str, remote: str, *more: str) -> Ran:
    """Set up the agent's folder with a token, which is stored."""
    words = ("init", str(person.agent), "--remote", remote, "--yes", *more)
    return person.types(*words, env={"GITHUB_TOKEN": token})


def shown(person: Person) -> str:
    """Return all that commands show of a vault, and all that lies in a home but configuration."""
    words = (("status",), ("status", "--json"), ("now",), ("now", "--json"), ("logs", "-n", "99"))
    said = [person.types(*each) for each in words]
    kept = [file for file in person.home.rglob("*") if file.is_file()]
    text = "".join(ran.out + ran.err for ran in said)
    skip = {person.places.config_file, person.places.config / "token"}
    return text + "".join(file.read_bytes().decode("latin-1") for file in kept if file not in skip)


def code(person: Person) -> str:
    """Return the code of what is wrong with the only vault."""
    row = person.types("status", "--json").answer["data"]["vaults"][0]
    return str(row["reason"]["code"]) if row["reason"] else ""


def test_an_enterprise_server_behind_a_proxy(here: Person, own: tuple[Hub, Path]) -> None:
    """Set up, one-shot and daemon go through the proxy; its password is shown nowhere."""
    firm, ca_file = own
    with Proxy(user=f"eve:{SECRET}") as proxy:
        way = {"proxy": proxy.url(f"eve:{SECRET}"), "ca_file": ca_file}
        configure(here, SLOW + github(firm.enterprise_url, **way))
        token = firm.accounts.issue("eve")
        assert begin(here, token, "github:eve/notes").status == 0
        here.write("MEMORY.md", "# Edited\n")
        assert here.types("now").out.startswith("notes: 1 up")
        with here.daemon():
            until(lambda: here.state() == "idle")
            here.write("MEMORY.md", "# Edited again\n")
            until(lambda: here.types("status", "--json").out.count('"pending": 0'))
            text = shown(here)
            for told in (f"proxy {proxy.url()}", str(ca_file), f"server {firm.enterprise_url}"):
                assert told in here.types("status").out
        about = here.types("status", "--json").answer["data"]["vaults"][0]["about"]
        assert about["proxy"] == proxy.url()
        assert about["ca_file"] == str(ca_file)
        assert about["token"] == str(here.places.config / "token")
        assert SECRET not in text + shown(here)
        assert token not in text
    # All went by tunnels, to the paths of an Enterprise server.
    assert set(proxy.seen) == {f"CONNECT 127.0.0.1:{proxy_target(firm)}"}
    assert {asked.path for asked in firm.requests if asked.kind == "mutation"} == {"/api/graphql"}
    assert all(asked.path.startswith("/api/") for asked in firm.requests)


def proxy_target(hub: Hub) -> str:
    """Return the port of a server."""
    return hub.base_url.rpartition(":")[2]


def test_a_proxy_of_the_environment(here: Person, own: tuple[Hub, Path]) -> None:
    """HTTPS_PROXY counts without a setting, and is shown; the setting's variable wins over it."""
    firm, ca_file = own
    configure(here, SLOW + github(firm.enterprise_url, ca_file=ca_file))
    with Proxy() as theirs, Proxy() as ours:
        here.env["HTTPS_PROXY"] = theirs.url(f"eve:{SECRET}")
        assert begin(here, firm.accounts.issue("eve"), "github:eve/notes").status == 0
        assert theirs.seen
        assert f"through the proxy {theirs.url()}" in here.types("status").out
        before = len(theirs.seen)
        here.env["MEMORY_SYNC_GITHUB__PROXY"] = ours.url(f"eve:{SECRET}")
        assert here.types("now").status == 0
        assert ours.seen
        assert len(theirs.seen) == before
    assert SECRET not in shown(here)


def test_a_proxy_that_turns_us_away(here: Person, hub: Hub) -> None:
    """The daemon is offline and says why; when the proxy lets it through, it goes on by itself."""
    hub.add_user("ada")
    with Proxy(user=f"ada:{SECRET}") as proxy:
        url = proxy.url(f"ada:{SECRET}")
        configure(here, QUICK + github(hub.base_url, proxy=url))
        assert begin(here, hub.accounts.issue("ada"), "github:ada/notes").status == 0
        with here.daemon():
            until(lambda: here.state() == "idle")
            proxy.user = "ada:changed"
            until(lambda: code(here) == "proxy")
            assert here.state() == "offline"
            here.write("MEMORY.md", "# Written meanwhile\n")
            proxy.user = f"ada:{SECRET}"
            until(lambda: here.state() == "idle", 30.0)
            proxy.user = "ada:changed"
            ran = here.types("now", "--json")
            assert (ran.status, ran.codes) == (5, ["proxy"])
            assert f"The proxy {proxy.url()} " in ran.answer["errors"][0]["message"]
            assert SECRET not in shown(here)


def test_a_server_that_is_not_trusted(here: Person, own: tuple[Hub, Path], tmp_path: Path) -> None:
    """The error names `ca_file`; with the right file the daemon goes on by itself."""
    firm, ca_file = own
    (tmp_path / "other").mkdir()
    other, _ = make_ca(tmp_path / "other")
    configure(here, SLOW + github(firm.enterprise_url, ca_file=ca_file))
    assert begin(here, firm.accounts.issue("eve"), "github:eve/notes").status == 0
    good = here.places.config_file.read_text()
    here.places.config_file.write_text(good.replace(str(ca_file), str(other)))
    ran = here.types("now", "--json")
    assert (ran.status, ran.codes) == (5, ["untrusted"])
    assert f"ca_file of [github]: {other}" in ran.answer["errors"][0]["message"]
    with here.daemon():
        until(lambda: code(here) == "untrusted")
        assert here.state() == "offline"
        here.places.config_file.write_text(good)
        until(lambda: here.state() == "idle")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("ca_file", "/no/such/file.pem"), ("ca_file", "/dev/null"), ("proxy", f"x:{SECRET}")],
)
def test_a_setting_that_cannot_be(here: Person, setting: str, value: str) -> None:
    """It is a configuration error with a hint, for every command, and nothing is asked."""
    configure(here, github("https://127.0.0.1:1", **{setting: value}))
    for words in (("now",), ("status",), ("init", str(here.agent), "--yes")):
        ran = here.types(*words, "--json")
        answer = ran.answer
        # `status` can answer all the same: that no daemon runs, and why none would.
        [error] = answer["errors"] or [answer["data"]["daemon"]["config"]]
        assert error["code"] == "config-broken"
        assert f"github.{setting}" in error["message"]
        assert error["hint"].endswith(f"'{here.places.config_file}'")
        assert SECRET not in ran.out + ran.err
        assert "Traceback" not in ran.err


@pytest.fixture
def two_servers(
    here: Person, hub: Hub, own: tuple[Hub, Path], tmp_path: Path
) -> Iterator[tuple[Person, Hub, Hub]]:
    """Configure a vault on the common server, and one on a firm's, each with a token of its own."""
    firm, ca_file = own
    hub.add_user("ada")
    tokens = {"home": hub.accounts.issue("ada"), "work": firm.accounts.issue("eve")}
    for name, token in tokens.items():
        (tmp_path / name).write_text(token)
        (tmp_path / name).chmod(0o600)
        (tmp_path / f"{name}-agent").mkdir()
        (tmp_path / f"{name}-agent" / "MEMORY.md").write_text(f"# {name}\n")
    way = {"ca_file": ca_file, "token_file": tmp_path / "home"}
    vaults = (
        '[[vault]]\nname = "home"\nremote = "github:ada/notes"\n'
        f'[[vault]]\nname = "work"\nremote = "github:eve/notes"\n'
        f'base_url = "{firm.enterprise_url}"\ntoken_file = "{tmp_path}/work"\n'
    )
    configure(here, SLOW + github(hub.base_url, **way) + vaults)
    yield here, hub, firm
    for server, login in ((hub, "ada"), (firm, "eve")):
        # A token of the other server's would be nobody's here.
        assert {asked.token_login for asked in server.requests} <= {login}
        assert 401 not in {asked.status for asked in server.requests}


def begin_both(person: Person, tmp_path: Path) -> None:
    """Set up a folder for each of the two vaults."""
    for name in ("home", "work"):
        words = ("init", str(tmp_path / f"{name}-agent"), "--vault", name, "--yes")
        ran = person.types(*words)
        assert ran.status == 0, ran


def test_two_servers_in_one_configuration(
    two_servers: tuple[Person, Hub, Hub], tmp_path: Path
) -> None:
    """Each vault goes to its own server with its own token, one-shot and in the daemon."""
    person, hub, firm = two_servers
    begin_both(person, tmp_path)
    assert hub.repo("ada/notes").private
    assert firm.repo("eve/notes").private
    assert person.types("now").status == 0
    with ExitStack() as stack:
        stack.enter_context(person.daemon())
        until(lambda: person.state() == "idle")
        heads = hub.repo("ada/notes").head(), firm.repo("eve/notes").head()
        for name in ("home", "work"):
            (tmp_path / f"{name}-agent" / "MEMORY.md").write_text("# edited\n")
        until(lambda: hub.repo("ada/notes").head() != heads[0])
        until(lambda: firm.repo("eve/notes").head() != heads[1])
    rows = person.types("status", "--json").answer["data"]["vaults"]
    told = {row["name"]: (row["about"]["server"], row["about"]["token"]) for row in rows}
    assert told == {
        "home": (hub.base_url, str(tmp_path / "home")),
        "work": (firm.enterprise_url, str(tmp_path / "work")),
    }


def test_the_common_token_is_not_shown_to_another_server(
    two_servers: tuple[Person, Hub, Hub], tmp_path: Path
) -> None:
    """A vault on a server of its own takes neither [github]'s token nor GITHUB_TOKEN."""
    person, hub, firm = two_servers
    begin_both(person, tmp_path)
    config = person.places.config_file
    config.write_text(config.read_text().replace(f'token_file = "{tmp_path}/work"\n', ""))
    asked = len(firm.requests)
    common = {"GITHUB_TOKEN": hub.accounts.issue("ada"), "GH_TOKEN": hub.accounts.issue("ada")}
    ran = person.types("now", "--vault", "work", "--json", env=common)
    assert ran.codes == ["token-missing"]
    assert "GH_ENTERPRISE_TOKEN" in ran.answer["errors"][0]["message"]
    assert len(firm.requests) == asked
    theirs = {"GH_ENTERPRISE_TOKEN": firm.accounts.issue("eve")}
    assert person.types("now", "--vault", "work", env=common | theirs).status == 0


def test_a_new_token_for_one_of_two_servers(
    two_servers: tuple[Person, Hub, Hub], tmp_path: Path
) -> None:
    """--new-token is tried on the vault's server, and stored for that vault alone."""
    person, _, firm = two_servers
    begin_both(person, tmp_path)
    new = firm.accounts.issue("eve")
    words = ("init", "--new-token", "--vault", "work", "--json")
    ran = person.types(*words, env={"GH_ENTERPRISE_TOKEN": new})
    assert ran.status == 0
    assert Path(ran.answer["data"]["token_file"]) == person.places.config / "token-work"
    assert (tmp_path / "home").read_text() != new
    assert person.types("now").status == 0
