"""What can go wrong between a client and GitHub, as ready-made values.

What is said of a request is said with GitHub's own words and headers. What is written in capitals
is a value where the rest is a function of one thing or two.
"""

from __future__ import annotations

import json
from typing import Any

from tests.hub.striking import JSON, Fault, Faults, Kind, Timed, delay, stale, status
from tests.hub.wire import DOCS, Answer, Json

__all__ = [
    "Fault", "Faults", "Kind", "archived", "bad_credentials", "bad_gateway", "close_after",
    "close_before", "conflict", "delay", "empty_200", "empty_200_applied", "empty_409",
    "error_500", "graph", "half", "html", "html_applied", "missing_permission", "not_found",
    "not_found_graph", "primary_limit", "primary_limit_graph", "rate_limit_graph",
    "rate_limited_graph", "refusal", "secondary_limit", "something_went_wrong",
    "something_went_wrong_applied", "sso", "stale", "stale_data", "status", "timeout",
    "timeout_applied", "timeout_graph", "unavailable", "unicorn", "unprocessable",
]  # fmt: skip

FOREVER = 3600.0
LIMITS = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
SECONDARY = f"{LIMITS}#about-secondary-rate-limits"
TOO_MUCH = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    " For more on scraping GitHub and how it may affect your rights, please review our Terms of"
    " Service (https://docs.github.com/en/site-policy/github-terms/github-terms-of-service)"
)
UNICORN = b"""<!DOCTYPE html>
<html><head><title>Unicorn! &middot; GitHub</title></head>
<body><p><strong>We couldn't respond to your request in time.</strong></p>
<p>Sorry about that. Please try refreshing and contact us if the problem persists.</p></body></html>
"""
WRONG = (
    "Something went wrong while executing your query. This may be the result of a timeout, or it"
    " could be a GitHub bug. Please include `D2C4:3A5F1E:9B8C7D:A1B2C3:6640F1B2` when reporting"
    " this issue."
)


def refusal(code: int, message: str, headers: dict[str, str] | None = None, **more: object) -> Kind:
    """Refuse as GitHub's REST API does, with the headers that tell of the rate limit."""
    text = json.dumps({"message": message, "documentation_url": DOCS, "status": str(code), **more})
    return Kind(
        applied=False, answer=Answer(code, text.encode(), JSON | (headers or {})), counted=True
    )


# --- the connection ----------------------------------------------------------------------------

close_before = Kind(applied=False, sent=0.0)
close_after = Kind(sent=0.0)
half = Kind(sent=0.5)
timeout = Kind(applied=False, sent=0.0, silence=FOREVER)
timeout_applied = Kind(sent=0.0, silence=FOREVER)

# --- what is not GitHub's ----------------------------------------------------------------------

_EMPTY = Answer(200, b"", {"Content-Type": "application/json"})
_PAGE = Answer(
    200, b"<html><body>Sign in to this network</body></html>", {"Content-Type": "text/html"}
)
empty_200 = Kind(applied=False, answer=_EMPTY)
empty_200_applied = Kind(answer=_EMPTY)
html = Kind(applied=False, answer=_PAGE)
html_applied = Kind(answer=_PAGE)

# --- the token and the repository --------------------------------------------------------------

bad_credentials = refusal(401, "Bad credentials")
missing_permission = refusal(
    403,
    "Resource not accessible by personal access token",
    {"X-Accepted-GitHub-Permissions": "contents=write"},
)
archived = refusal(403, "Repository was archived so is read-only.")
sso = refusal(
    403,
    "Resource protected by organization SAML enforcement. You must grant your Personal Access"
    " token access to this organization.",
    {"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?authorization_request=A1B2"},
)
not_found = refusal(404, "Not Found")
empty_409 = refusal(409, "Git Repository is empty.")
conflict = refusal(409, "Conflict")
unprocessable = refusal(
    422,
    "Validation Failed",
    errors=[{"resource": "Reference", "field": "sha", "code": "invalid"}],
)

# --- limits ------------------------------------------------------------------------------------


def primary_limit(seconds: int = 900, code: int = 403, limit: int = 5000) -> Kind:
    """Say that the hour's requests are used up, for so many seconds more; `code` may be 429."""
    text = {"message": "API rate limit exceeded for user ID 1000.", "documentation_url": LIMITS}
    return Kind(applied=False, answer=_spent(code, text, "core", seconds, limit))


def primary_limit_graph(kind: str = "RATE_LIMITED", seconds: int = 900, limit: int = 5000) -> Kind:
    """Say the same of GraphQL, with status 200; `kind` is RATE_LIMIT or RATE_LIMITED."""
    message = "API rate limit exceeded for user ID 1000."
    text = {"errors": [{"type": kind, "message": message}]}
    return Kind(applied=False, answer=_spent(200, text, "graphql", seconds, limit))


def _spent(code: int, text: Json, resource: str, seconds: int, limit: int) -> Timed:
    def answer(now: float) -> Answer:
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Used": str(limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(now) + seconds),
            "X-RateLimit-Resource": resource,
        }
        return Answer(code, json.dumps(text).encode(), JSON | headers)

    return answer


def secondary_limit(retry_after: int | None = 60, code: int = 403) -> Kind:
    """Say that too much was asked in a short time; with None GitHub does not say how long.

    The rate-limit headers are true: the hour has more than enough left.
    """
    text = json.dumps({"message": TOO_MUCH, "documentation_url": SECONDARY})
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    answer = Answer(code, text.encode(), JSON | headers)
    return Kind(applied=False, answer=answer, counted=True)


# --- GitHub's own trouble ----------------------------------------------------------------------


def unicorn(code: int = 502, *, applied: bool = False) -> Kind:
    """Show the page that stands before GitHub when it did not answer in time."""
    page = {"Content-Type": "text/html; charset=utf-8"}
    return Kind(applied=applied, answer=Answer(code, UNICORN, page))


def unavailable(retry_after: int | None = None, *, applied: bool = False) -> Kind:
    """Answer 503, as during maintenance."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return status(503, b'{"message": "Service Unavailable"}', headers, applied=applied)


error_500 = status(500)
bad_gateway = unicorn()

# --- GraphQL, with status 200 ------------------------------------------------------------------


def graph(*errors: Json, data: Any = None, applied: bool = False) -> Kind:
    """Answer with errors and status 200."""
    text = json.dumps({"data": data, "errors": list(errors)})
    return Kind(applied=applied, answer=Answer(200, text.encode(), JSON), counted=True)


_AT = [{"line": 2, "column": 3}]
stale_data = graph(
    {
        "type": "STALE_DATA",
        "path": ["createCommitOnBranch"],
        "locations": _AT,
        "message": f'Expected branch to point to "{"0" * 40}" but it did not.  Pull and try again.',
    },
    data={"createCommitOnBranch": None},
)
rate_limit_graph = primary_limit_graph("RATE_LIMIT")
rate_limited_graph = primary_limit_graph("RATE_LIMITED")
not_found_graph = graph(
    {
        "type": "NOT_FOUND",
        "path": ["repository"],
        "locations": _AT,
        "message": "Could not resolve to a Repository with the name 'ada/vault'.",
    },
    data={"repository": None},
)
something_went_wrong = graph({"type": None, "message": WRONG})
something_went_wrong_applied = graph({"type": None, "message": WRONG}, applied=True)
timeout_graph = graph({"message": "Timeout on validation of query"})
