"""Text that looks like a credential: documented prefixes and formats, and nothing guessed.

Each format begins with letters that are its own, from which it is found quickly, and is read from
there without ever going back: a file of any content takes time in proportion to its length. What is
found is never kept, only where it stands and what it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from zlib import crc32

ALLOW = b"memory-sync: allow-secret"
"""On a line, or on the one before it, this says that a person has looked at it."""
MOST = 20
"""Findings in one file that are told of."""
VARIED = 8
"""A body with fewer different letters than this is a placeholder, such as `xxxxxxxx`."""


@dataclass(frozen=True, slots=True)
class Format:
    """What one kind of credential looks like.

    `starts` are its own first letters, `rest` matches what comes after them: bytes, all quantifiers
    possessive or followed by what they cannot take. `word` says that it stands alone: no letter,
    digit, `_` or `-` is before it. `plain` is not looked at for placeholders.
    """

    kind: str
    starts: tuple[bytes, ...]
    rest: bytes
    word: bool = True
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Where something stands that looks like a credential: its line, from 1, and what it is."""

    line: int
    kind: str


_ID = rb"[A-Za-z0-9_-]"
_ALNUM = rb"[A-Za-z0-9]"
_HEX = rb"[0-9a-f]"

FORMATS: tuple[Format, ...] = (
    Format("a GitHub token", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), _ALNUM + rb"{36,251}+"),
    Format("a GitHub token", (b"github_pat_",), _ALNUM + rb"{22}_" + _ALNUM + rb"{59}"),
    Format(
        "a GitLab token",
        (b"glpat-", b"gldt-", b"glrt-", b"glptt-", b"glft-", b"glsoat-", b"glcbt-", b"glagent-"),
        _ID + rb"{20,300}+",
    ),
    Format("an Anthropic key", (b"sk-ant-",), rb"[a-z]{2,8}[0-9]{2}-" + _ID + rb"{80,200}+"),
    Format("an OpenAI key", (b"sk-proj-", b"sk-svcacct-", b"sk-admin-"), _ID + rb"{40,250}+"),
    Format("an OpenAI key", (b"sk-",), _ALNUM + rb"{20}T3BlbkFJ" + _ALNUM + rb"{20}"),
    Format("an OpenRouter key", (b"sk-or-v1-",), _HEX + rb"{64}"),
    Format("an AWS access key", (b"AKIA", b"ASIA"), rb"[A-Z2-7]{16}(?![A-Za-z0-9])"),
    Format("a Google API key", (b"AIza",), _ID + rb"{35}"),
    Format("a Google OAuth secret", (b"GOCSPX-",), _ID + rb"{28}"),
    Format("a Google OAuth token", (b"ya29.",), _ID + rb"{40,2000}+"),
    Format(
        "a Slack token",
        (b"xoxb-", b"xoxp-", b"xoxa-", b"xoxr-", b"xoxs-", b"xoxe-", b"xoxc-", b"xoxd-", b"xapp-"),
        rb"[A-Za-z0-9%.-]{20,500}+",
    ),
    Format(
        "a Slack webhook", (b"hooks.slack.com/services/T",), rb"[A-Z0-9]{6,20}/B[A-Z0-9]{6,20}/"
        + _ALNUM + rb"{20,30}",
    ),
    Format(
        "a Stripe key", (b"sk_live_", b"rk_live_", b"sk_test_", b"rk_test_"), _ALNUM + rb"{20,250}+"
    ),
    Format("a Stripe webhook secret", (b"whsec_",), _ALNUM + rb"{32,64}"),
    Format("a SendGrid key", (b"SG.",), _ID + rb"{22}\." + _ID + rb"{43}"),
    Format("an npm token", (b"npm_",), _ALNUM + rb"{36}"),
    Format("a PyPI token", (b"pypi-AgE",), _ID + rb"{50,2000}+"),
    Format("a Hugging Face token", (b"hf_",), rb"[A-Za-z]{34}"),
    Format("a Groq key", (b"gsk_",), _ALNUM + rb"{48,60}"),
    Format("an xAI key", (b"xai-",), _ALNUM + rb"{70,90}"),
    Format("a Replicate token", (b"r8_",), _ALNUM + rb"{37}"),
    Format("a Perplexity key", (b"pplx-",), _ALNUM + rb"{40,60}"),
    Format("a DigitalOcean token", (b"dop_v1_", b"doo_v1_", b"dor_v1_"), _HEX + rb"{64}"),
    Format("a Docker token", (b"dckr_pat_", b"dckr_oat_"), _ID + rb"{27,40}"),
    Format("a HashiCorp Vault token", (b"hvs.", b"hvb."), _ID + rb"{24,300}+"),
    Format("a Grafana token", (b"glsa_",), _ALNUM + rb"{32}_" + rb"[0-9A-Fa-f]{8}"),
    Format("a Linear key", (b"lin_api_", b"lin_oauth_"), _ALNUM + rb"{32,64}"),
    Format("a Notion token", (b"ntn_",), _ALNUM + rb"{40,50}"),
    Format("an Atlassian token", (b"ATATT3",), rb"[A-Za-z0-9_=-]{100,300}+"),
    Format("a Shopify token", (b"shpat_", b"shpca_", b"shppa_", b"shpss_"), rb"[0-9a-fA-F]{32}"),
    Format("a Databricks token", (b"dapi",), _HEX + rb"{32}(?![A-Za-z0-9])"),
    Format("a Supabase key", (b"sbp_",), _HEX + rb"{40}"),
    Format("a Tailscale key", (b"tskey-",), rb"[a-z]{2,10}-" + _ALNUM + rb"{8,24}-" + _ALNUM
           + rb"{16,64}"),
    Format(
        "a Discord webhook",
        (b"discord.com/api/webhooks/", b"discordapp.com/api/webhooks/"),
        rb"[0-9]{15,22}/" + _ID + rb"{60,80}",
        word=False,
    ),
    Format("a signed token (JWT)", (b"eyJ",), _ID + rb"{8,4000}+\.eyJ" + _ID + rb"{8,8000}+\."
           + _ID + rb"{16,2000}+"),
    Format(
        "a private key", (b"-----BEGIN ",),
        rb"(?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr]){1,8}+"
        rb"(?:[A-Za-z0-9+/]{20}|[A-Z][A-Za-z-]{2,20}: )",
        word=False, plain=True,
    ),
    Format("an age identity", (b"AGE-SECRET-KEY-1",), rb"[0-9A-Z]{58}", word=False),
    Format("an age identity", (b"AGE-PLUGIN-",), rb"[0-9A-Z+._-]{20,500}+", word=False),
    Format(
        "a password in an address", (b"://",),
        rb"[A-Za-z0-9._~%+-]{1,64}+:(?![<${*%])[^\s:@/?#\"'<>`\\{}()\[\]]{6,128}+@[A-Za-z0-9]",
        word=False,
    ),
)  # fmt: skip
"""All formats; docs/secrets.md says where each is documented."""

VERSION = crc32(repr((FORMATS, VARIED)).encode())
"""Tells what was found with these formats from what others found."""
EXAMPLES = (b"example", b"placeholder", b"password", b"redacted", b"your-", b"your_")
"""Words that only a placeholder has in it."""


def scan(content: bytes) -> tuple[Finding, ...]:
    """Find what looks like a credential, by line; a line is told of once for each kind."""
    found: dict[Finding, None] = {}
    line, counted = 1, 0
    for at, kind in sorted(_places(content)):
        line += content.count(b"\n", counted, at)
        counted = at
        if not _allowed(content, at):
            found[Finding(line, kind)] = None
        if len(found) == MOST:
            break
    return tuple(found)


def _places(content: bytes) -> Iterator[tuple[int, str]]:
    for format_, start, pattern in _compiled():
        if start not in content:
            continue
        count = 0
        for match in pattern.finditer(content):
            body = content[match.start() + len(start) : match.end()]
            if format_.plain or not _is_placeholder(body):
                yield match.start(), format_.kind
                count += 1
            if count == 10 * MOST:
                break


def _is_placeholder(body: bytes) -> bool:
    low = body.lower()
    varied = min(VARIED, len(body) // 2)
    return len(set(body)) < varied or any(word in low for word in EXAMPLES)


def _allowed(content: bytes, at: int) -> bool:
    """Tell whether the line at this place, or the one before it, says that a person has looked."""
    before = content.rfind(b"\n", 0, at)
    first = content.rfind(b"\n", 0, before) + 1 if before > 0 else 0
    end = content.find(b"\n", at)
    return content.find(ALLOW, first, len(content) if end < 0 else end) >= 0


@cache
def _compiled() -> tuple[tuple[Format, bytes, re.Pattern[bytes]], ...]:
    """Compile all formats, when the first file is looked into."""
    return tuple(
        (format_, start, _pattern(start, format_))
        for format_ in FORMATS
        for start in format_.starts
    )


def _pattern(start: bytes, format_: Format) -> re.Pattern[bytes]:
    # The letters come first, so that they are searched for; what is before them after that.
    letters = re.escape(start)
    alone = rb"(?<![A-Za-z0-9_-]" + letters + rb")" if format_.word else b""
    return re.compile(letters + alone + format_.rest)
