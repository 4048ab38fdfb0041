"""Text that looks like a credential."""

import random
import re
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_sync.sync.secrets import ALLOW, FORMATS, MOST, Finding, scan

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
_DICE = random.Random(5)


def made(count: int, letters: str = ALNUM) -> str:
    """Return so many letters at random, the same ones in each run: no real credential."""
    return "".join(_DICE.choice(letters) for _ in range(count))


BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# Put together here, so that no line of this file looks like one.
SAMPLES = {
    "gh" + "p_" + made(36): "a GitHub token",
    "github" + "_pat_" + made(22) + "_" + made(59): "a GitHub token",
    "gl" + "pat-" + made(20): "a GitLab token",
    "sk-" + "ant-api03-" + made(93) + "AA": "an Anthropic key",
    "sk-" + "proj-" + made(120): "an OpenAI key",
    "sk-" + made(20) + "T3Blbk" + "FJ" + made(20): "an OpenAI key",
    "sk-" + "or-v1-" + made(64, HEX): "an OpenRouter key",
    "AK" + "IA" + made(16, BASE32): "an AWS access key",
    "AI" + "za" + made(35): "a Google API key",
    "GOC" + "SPX-" + made(28): "a Google OAuth secret",
    "ya" + "29." + made(120): "a Google OAuth token",
    "xo" + "xb-" + made(12, string.digits) + "-" + made(24): "a Slack token",
    "https://hooks.slack" + ".com/services/T" + made(8, BASE32) + "/B" + made(8, BASE32)
    + "/" + made(24): "a Slack webhook",
    "sk" + "_live_" + made(24): "a Stripe key",
    "wh" + "sec_" + made(32): "a Stripe webhook secret",
    "S" + "G." + made(22) + "." + made(43): "a SendGrid key",
    "np" + "m_" + made(36): "an npm token",
    "pypi" + "-AgEIcHlwaS5vcmc" + made(120): "a PyPI token",
    "h" + "f_" + made(34, string.ascii_letters): "a Hugging Face token",
    "gs" + "k_" + made(52): "a Groq key",
    "xa" + "i-" + made(80): "an xAI key",
    "r8" + "_" + made(37): "a Replicate token",
    "pp" + "lx-" + made(48): "a Perplexity key",
    "do" + "p_v1_" + made(64, HEX): "a DigitalOcean token",
    "dckr" + "_pat_" + made(27): "a Docker token",
    "hv" + "s." + made(90): "a HashiCorp Vault token",
    "gl" + "sa_" + made(32) + "_" + made(8, HEX): "a Grafana token",
    "lin" + "_api_" + made(40): "a Linear key",
    "nt" + "n_" + made(46): "a Notion token",
    "ATA" + "TT3" + made(180): "an Atlassian token",
    "shp" + "at_" + made(32, HEX): "a Shopify token",
    "da" + "pi" + made(32, HEX): "a Databricks token",
    "sb" + "p_" + made(40, HEX): "a Supabase key",
    "ts" + "key-auth-" + made(12) + "-" + made(32): "a Tailscale key",
    "https://discord" + ".com/api/webhooks/" + made(18, string.digits) + "/" + made(68):
        "a Discord webhook",
    "ey" + "J" + made(30) + ".ey" + "J" + made(60) + "." + made(43): "a signed token (JWT)",
    "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + made(70): "a private key",
    "AGE-SECRET" + "-KEY-1" + made(58, BASE32): "an age identity",
    "AGE-PLUGIN" + "-YUBIKEY-1" + made(40, BASE32): "an age identity",
    "postgres://ada:" + made(12) + "@db.internal/x": "a password in an address",
}  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), SAMPLES.items(), ids=lambda value: str(value)[:6])
def test_i53_each_format_is_found_on_its_line(text: str, kind: str) -> None:
    """It is told where it stands and what it looks like, and nothing of what it is."""
    found = scan(f"# notes\n\nthe key is `{text}`, keep it\nmore\n".encode())
    assert found == (Finding(3, kind),)
    assert text[8:16] not in repr(found)


def test_every_format_has_a_sample() -> None:
    """No format is there that no test holds."""
    assert {format_.kind for format_ in FORMATS} == set(SAMPLES.values())


@pytest.mark.parametrize(
    "text",
    [
        "gh" + "p_" + "x" * 36,
        "AK" + "IAIOSFODNN7EXAMPLE",
        "https://user:password@example.com/",
        "postgres://$USER:$PASSWORD@db/x and postgres://<user>:<secret>@db/x",
        "a file with -----BEGIN PRIVATE KEY----- in its first line",
        "the prefix gh" + "p_ is GitHub's, and sk-" + "ant- is Anthropic's",
        "0123456789abcdef0123456789abcdef01234567 is a commit",
        "task-" + "ant-" + made(30),
        "see https://github.com/owner/repo@main and ada@example.org",
    ],
)
def test_what_is_none_is_not_taken_for_one(text: str) -> None:
    """Placeholders, prefixes alone, hashes and ordinary addresses are let be."""
    assert scan(text.encode()) == ()


def test_a_person_can_say_that_it_is_meant() -> None:
    """A word on the line, or on the one before it, speaks for that one and no other."""
    text = next(iter(SAMPLES)).encode()
    assert scan(b"x\n" + text + b"  <!-- " + ALLOW + b" -->\n") == ()
    assert scan(b"<!-- " + ALLOW + b" -->\n" + text) == ()
    assert scan(text + b"\n" + ALLOW + b"\n\n" + text) == (
        Finding(1, "a GitHub token"),
        Finding(4, "a GitHub token"),
    )


def test_one_line_is_told_of_once_and_many_are_told_of_in_part() -> None:
    """A file full of them gives a list that can be shown."""
    text = next(iter(SAMPLES)).encode()
    assert len(scan(text + b" " + text)) == 1
    assert len(scan((text + b"\n") * 1000)) == MOST


@given(st.binary(max_size=3000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_can_be_looked_into(content: bytes) -> None:
    """Whatever a file holds, it is looked into to an end."""
    assert isinstance(scan(content), tuple)


@pytest.mark.parametrize("format_", FORMATS, ids=lambda one: one.starts[0].decode())
def test_i74_no_file_can_make_the_scan_take_for_ever(format_: object) -> None:
    """A megabyte of beginnings and of near misses is done with in one go, not in its square."""
    starts = next(one.starts for one in FORMATS if one is format_)
    for fill in (b"", b"a1B2", b"a1B2c3D4" * 300, b"-" * 50):
        scan((starts[0] + fill) * (1024 * 1024 // len(starts[0] + fill)))


def test_the_page_lists_the_formats() -> None:
    """docs/secrets.md has each kind once, with all first letters that it is known by."""
    page = (Path(__file__).parents[2] / "docs" / "secrets.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w[^|`\"]*?) \| (`.*?`) \| ", page, re.MULTILINE)
    listed = {kind: set(re.findall(r"`(.+?)`", starts)) for kind, starts in rows}
    known: dict[str, set[str]] = {}
    for format_ in FORMATS:
        known.setdefault(format_.kind, set()).update(start.decode() for start in format_.starts)
    assert listed == known
    assert len(rows) == len(known)
