"""The table: everything that GitHub can answer, or lose.

Where the facts are unsure both answers are rows: a stale head with a type and without one, a commit
that landed and one that did not under the same words, a new name that GraphQL follows or not.
"""

from __future__ import annotations

import json

from tests.answers.causes import (
    GRAPH,
    MUTATION,
    All,
    Lying,
    Reads,
    RestWrites,
    Writes,
    archive,
    cut_texts,
    cut_trees,
    delete,
    delete_branch,
    git_is_empty,
    give_rights,
    hide,
    large_files,
    leave,
    limit_by_path,
    long_file,
    lose_access,
    many_files,
    publish,
    regain_access,
    rename,
    rename_branch,
    rename_branch_without_graphql,
    rename_unknown_to_graphql,
    rename_without_graphql,
    revoke,
    rewrite,
    set_back,
    smaller_files,
    some_files,
    stay,
    take_rights,
    told,
    turn_back,
    unarchive,
    undelete,
    without_graphql,
)
from tests.answers.row import (
    ARCHIVED,
    BACKS_OFF,
    BRANCH_GONE,
    FORBIDDEN,
    FORCED_BACK,
    FOREIGN,
    GONE,
    HOURLY,
    LIMITED,
    MINUTE,
    NEW_TOKEN,
    NOTHING,
    NOW,
    OFFLINE,
    OPENED,
    POLLS,
    REJECTED,
    SENSELESS,
    SIGN_ON,
    SOON,
    STALE,
    TOO_LARGE,
    TROUBLE,
    Row,
    asked,
)
from tests.hub import faults

DAY = 86_400


ELSEWHERE = f'Expected branch to point to "{"0" * 40}" but it did not.  Pull and try again.'
ABSENT = "A path was requested for deletion which does not exist as of commit oid `0`: x"
NO_REPOSITORY = "Could not resolve to a Repository with the name 'acme/vault'."
SAML = "Resource protected by organization SAML enforcement."
LOGIN = faults.status(302, b"", {"Location": "https://login.example/"})
LEGAL = faults.status(451, json.dumps({"message": "Repository access blocked"}).encode())

ROWS = (
    # the token
    Row(
        "revoked", "401: the token is wrong, revoked or expired", revoke, REJECTED, HOURLY,
        mend=NEW_TOKEN, end=stay,
    ),
    Row(
        "bad-credentials", "401 for a while", All(faults.bad_credentials), REJECTED, HOURLY,
        mend=NOW,
    ),
    Row(
        "read-only", "403: a permission is missing", take_rights, FORBIDDEN, HOURLY,
        mend=NOW, end=give_rights, pulls=True,
    ),
    Row(
        "no-permission", "403: a permission is missing", Writes(faults.missing_permission),
        FORBIDDEN, HOURLY, "it needs Contents: write", mend=NOW, pulls=True,
    ),
    Row(
        "archived", "403: the repository is archived", archive, ARCHIVED, HOURLY, "archived",
        mend=NOW, end=unarchive, pulls=True,
    ),
    Row(
        "archived-rest", "403: the repository is archived", RestWrites(faults.archived), ARCHIVED,
        HOURLY, "archived", mend=NOW, pulls=True,
    ),
    Row(
        "sign-on", "403: single sign-on", All(faults.sso), SIGN_ON, HOURLY,
        "https://github.com/orgs/acme/sso", mend=NOW,
    ),
    Row(
        "forbidden-graphql", "`FORBIDDEN`", Writes(told(SAML, "FORBIDDEN")), FORBIDDEN, HOURLY,
        "SAML", mend=NOW, pulls=True,
    ),
    # limits
    Row(
        "primary", "403 or 429: the hour's requests are used up", All(faults.primary_limit(8)),
        LIMITED, asked(8), "asks to wait", silence=8,
    ),
    Row(
        "primary-429", "403 or 429: the hour's requests are used up",
        All(faults.primary_limit(8, 429)), LIMITED, asked(8), "asks to wait", silence=8,
    ),
    Row(
        "secondary", "403 or 429: too quick, with `Retry-After`", limit_by_path, LIMITED, asked(7),
        "asks to wait", silence=7,
    ),
    Row(
        "secondary-429", "403 or 429: too quick, with `Retry-After`",
        All(faults.secondary_limit(7, 429)), LIMITED, asked(7), "asks to wait", silence=7,
    ),
    Row(
        "secondary-writes", "403 or 429: too quick, with `Retry-After`",
        Writes(faults.secondary_limit(7)), LIMITED, asked(7), "asks to wait", silence=7,
        pulls=True,
    ),
    Row(
        "secondary-silent", "403 or 429: too quick, without `Retry-After`",
        All(faults.secondary_limit(None)), LIMITED, MINUTE, "asks to wait", silence=60,
    ),
    Row(
        "429-silent", "403 or 429: too quick, without `Retry-After`",
        All(faults.secondary_limit(None, 429)), LIMITED, MINUTE, "asks to wait", silence=60,
    ),
    Row(
        "rate-limited-graphql", "`RATE_LIMITED` or `RATE_LIMIT`",
        Writes(faults.primary_limit_graph("RATE_LIMITED", 8)), LIMITED, asked(8), "asks to wait",
        silence=8, pulls=True,
    ),
    Row(
        "rate-limit-graphql", "`RATE_LIMITED` or `RATE_LIMIT`",
        Writes(faults.primary_limit_graph("RATE_LIMIT", 8)), LIMITED, asked(8), "asks to wait",
        silence=8, pulls=True,
    ),
    Row(
        "maintenance", "503 with `Retry-After`", All(faults.unavailable(7)), LIMITED, asked(7),
        "asks to wait", silence=7,
    ),
    # the repository
    Row(
        "no-access", "404: no access", lose_access, GONE, SOON, "no repository", end=regain_access,
    ),
    Row("deleted", "404: deleted", delete, GONE, SOON, "no repository", end=undelete),
    Row(
        "not-found", "404 for a while", All(faults.not_found), GONE, SOON, "no repository",
    ),
    Row("empty", "409: the repository is empty", git_is_empty, BRANCH_GONE, SOON),
    Row(
        "unprocessable-read", "422 for a read", Reads(faults.unprocessable), SENSELESS, BACKS_OFF,
        "422",
    ),
    Row(
        "unprocessable-write", "422 for a write", RestWrites(faults.unprocessable), SENSELESS,
        BACKS_OFF, "422 Validation Failed", pulls=True,
    ),
    Row("blocked", "451, or another refusal", All(LEGAL), SENSELESS, BACKS_OFF, "451"),
    Row(
        "renamed", "301 and 307: renamed", rename, NOTHING, POLLS, end=stay,
    ),
    Row(
        "renamed-graphql", "301 and 307: renamed", rename_unknown_to_graphql, NOTHING, POLLS,
        end=stay,
    ),
    Row(
        "renamed-rest", "301 and 307: renamed", rename_without_graphql, NOTHING, POLLS, end=stay,
    ),
    Row("branch-renamed", "the default branch is renamed", rename_branch, NOTHING, POLLS, end=stay),
    Row(
        "branch-renamed-rest", "the default branch is renamed", rename_branch_without_graphql,
        NOTHING, POLLS, end=stay,
    ),
    Row(
        "made-public", "the repository is public", publish, OPENED, SOON, "has become public",
        end=hide, asks_first=True,
    ),
    Row(
        "rewritten", "the history is another one", rewrite, FOREIGN, SOON, "with its key",
        end=set_back,
    ),
    Row(
        "older-head", "the branch is at an older commit", turn_back, STALE,
        words="shows an older state", end=set_back, seen_first=True, brief=True,
    ),
    Row(
        "forced-back", "the branch is at an older commit for a minute", turn_back, STALE,
        words="shows an older state", end=set_back, seen_first=True, later=FORCED_BACK,
    ),
    Row("branch-deleted", "the branch is deleted", delete_branch, BRANCH_GONE, SOON, end=set_back),
    # GitHub has trouble
    Row("500", "500, 502, 503", All(faults.error_500), TROUBLE, words="500"),
    Row("502", "500, 502, 503", All(faults.bad_gateway), TROUBLE, words="502"),
    Row("503", "500, 502, 503", All(faults.unavailable()), TROUBLE, words="503"),
    Row("500-read", "500, 502, 503", Reads(faults.error_500), TROUBLE, words="500"),
    Row(
        "502-write", "500, 502, 503", Writes(faults.bad_gateway), TROUBLE, words="502", pulls=True
    ),
    Row(
        "502-landed", "500, 502, 503 although the commit landed",
        Writes(faults.unicorn(applied=True)), TROUBLE, words="502", pulls=True, passing=True,
    ),
    # the connection
    Row("time-out", "no answer in time", All(faults.timeout), OFFLINE, words="in time"),
    Row(
        "time-out-landed", "no answer, although the commit landed", Writes(faults.timeout_applied),
        OFFLINE, words="in time", pulls=True, passing=True,
    ),
    Row("reset", "the connection is cut", All(faults.close_before), OFFLINE, words="failed"),
    Row(
        "reset-write", "the connection is cut", Writes(faults.close_before), OFFLINE,
        words="failed", pulls=True,
    ),
    Row(
        "reset-landed", "no answer, although the commit landed", Writes(faults.close_after),
        OFFLINE, words="failed", pulls=True, passing=True,
    ),
    Row("half", "half an answer", Reads(faults.half), OFFLINE, words="broke off"),
    Row(
        "half-landed", "no answer, although the commit landed", Writes(faults.half), OFFLINE,
        words="broke off", pulls=True, passing=True,
    ),
    Row("html", "a page instead of an answer", All(faults.html), TROUBLE, words="not GitHub"),
    Row(
        "html-landed", "a page although the commit landed", Writes(faults.html_applied), TROUBLE,
        words="not GitHub", pulls=True, passing=True,
    ),
    Row("sign-in", "a page instead of an answer", All(LOGIN), TROUBLE, words="302"),
    Row("empty-200", "200 with nothing in it", All(faults.empty_200), TROUBLE, words="not GitHub"),
    Row(
        "empty-200-landed", "an empty 200 although the commit landed",
        Writes(faults.empty_200_applied), TROUBLE, words="not GitHub", pulls=True, passing=True,
    ),
    # GraphQL's own words
    Row("stale-data", "`STALE_DATA`", Writes(faults.stale_data, 1), NOTHING, POLLS),
    Row(
        "stale-data-untyped", "`STALE_DATA`", Writes(told(ELSEWHERE, None), 1), NOTHING, POLLS
    ),
    Row(
        "not-found-read", "`NOT_FOUND` although the repository is there",
        lambda place: place.strike(GRAPH, faults.not_found_graph, body="query Blobs"), NOTHING,
        POLLS,
    ),
    Row(
        "not-found-write", "`NOT_FOUND` although the repository is there",
        lambda place: place.strike(GRAPH, told(NO_REPOSITORY, "NOT_FOUND"), body=MUTATION),
        NOTHING, POLLS,
    ),
    Row(
        "wrong", "`Something went wrong`", Writes(faults.something_went_wrong), TROUBLE,
        words="Something went wrong", pulls=True,
    ),
    Row(
        "wrong-landed", "`Something went wrong` although the commit landed",
        Writes(faults.something_went_wrong_applied), TROUBLE, words="Something went wrong",
        pulls=True, passing=True,
    ),
    Row(
        "graphql-timeout", "`Timeout on validation of query`", Writes(faults.timeout_graph),
        TROUBLE, words="Timeout", pulls=True,
    ),
    Row(
        "absent-path", "a path to delete is not there", Writes(told(ABSENT, "UNPROCESSABLE")),
        SENSELESS, BACKS_OFF, "requested for deletion", pulls=True,
    ),
    Row(
        "absent-path-untyped", "a path to delete is not there, without a type",
        Writes(told(ABSENT, None)), TROUBLE, words="requested for deletion", pulls=True,
    ),
    Row("no-graphql", "no GraphQL", without_graphql, NOTHING, POLLS, end=stay),
    # cut answers
    Row(
        "is-truncated", "`isTruncated`", cut_texts, NOTHING, POLLS, before=long_file, end=stay,
    ),
    Row(
        "truncated-trees", "`truncated` trees", cut_trees, NOTHING, POLLS, before=some_files,
        end=stay,
    ),
    Row(
        "compare-300", "a comparison of over 300 files", stay, NOTHING, POLLS, before=many_files,
        each=14,
    ),
    # time
    Row(
        "lagging", "reads lag behind writes for seconds", Reads(faults.stale(3.0)), NOTHING, POLLS,
        maybe=("stale-read",),
    ),
    Row("clocks-ahead", "clocks in the headers lie", Lying(DAY, DAY), NOTHING, POLLS, end=stay),
    Row("clocks-behind", "clocks in the headers lie", Lying(-DAY, -DAY), NOTHING, POLLS, end=stay),
    Row(
        "date-lies", "a limit, and `Date` lies", Lying(DAY, 0, faults.primary_limit(8)), LIMITED,
        asked(8), "asks to wait", silence=8,
    ),
    Row(
        "reset-lies", "a limit, and its end lies", Lying(0, -10 * DAY, faults.primary_limit(8)),
        LIMITED, MINUTE, "asks to wait", silence=60,
    ),
)  # fmt: skip

LARGE = Row(
    "large", "", cut_texts, TOO_LARGE, POLLS, "huge.md", during=large_files, after=smaller_files,
    end=stay,
)  # fmt: skip
BARRED = Row(
    "barred", "", leave, LIMITED, asked(7), "asks to wait", silence=7, token_of="secondary",
    end=leave, passing=True,
)  # fmt: skip
"""A vault that nothing strikes, whose token another vault uses that GitHub has asked to wait."""
