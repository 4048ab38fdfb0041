"""Rules for what is left out, as git has them in a `.gitignore`: the last one that fits counts.

A text of rules can come from another device, so nothing that it says may be slow: it is bounded,
and a pattern never goes back over what it has matched (`*` finds what follows it once, for good).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from memory_sync.sync.parts import Part, lengths

IGNORE_FILE = ".memorysyncignore"
MAX_BYTES = 32 * 1024
MAX_LINE = 256
MAX_PARTS = 32
MAX_RULES = 1000
"""What of a file of rules is heeded: so many bytes, letters in a line, parts in it, and rules."""
REMEMBERED = 1024
"""Folders of which it is kept in mind whether they are left out."""

DEFAULT_RULES: tuple[str, ...] = (
    # Credentials and tokens. Files of Markdown are not among them: a note about tokens is a note,
    # and what stands in it is looked at before it is sent.
    *(".env", ".env.*", "!.env.example", "!.env.sample", "!.env.template", "!.env.md"),
    *(".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".htpasswd", ".git-credentials"),
    *("credentials", "credentials.json", ".credentials.json", "client_secret*.json"),
    *("auth.json", "oauth_creds.json", "service-account*.json", "service_account*.json"),
    *("token", "token.json", "tokens.json", "token.txt", "tokens.txt", "*.token", ".token"),
    *("secrets.json", "secrets.toml", "secrets.yaml", "secrets.yml", "secrets.env"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"),
    *("memory-sync-key*.txt", ".ssh/", ".gnupg/", ".aws/", ".kube/"),
    # Temporary and editor files.
    *("*.tmp", "*.temp", "*.part", "*.partial", "*.crdownload", "*~", "\\#*#", ".#*"),
    *("*.swp", "*.swo", "*.swx", "4913", "*.bak", "*.orig", "*.rej", "*.save"),
    *(".DS_Store", "._*", "Thumbs.db", "desktop.ini", ".directory", ".nfs*", ".fuse_hidden*"),
    *(".idea/", ".vscode/", ".Trash-*/", "$RECYCLE.BIN/"),
    # Locks, sockets and databases.
    *("*.lock", "*.lck", "*.pid", "*.sock", ".~lock.*#", "~$*", ".lock"),
    *("*.db", "*.db-wal", "*.db-shm", "*.db-journal", "*.db3", "*.sqlite", "*.sqlite3"),
    *("*.sqlite-wal", "*.sqlite-shm", "*.sqlite-journal"),
    *("*.sqlite3-wal", "*.sqlite3-shm", "*.sqlite3-journal"),
    *("*.duckdb", "*.duckdb.wal", "*.mdb", "*.ldb", "*.lmdb", "*.rdb"),
    # Other tools' book-keeping, and what they make where two of their sides differ.
    *(".git/", ".hg/", ".svn/", ".jj/", "node_modules/", "__pycache__/", ".venv/"),
    *("*.sync-conflict-*", ".syncthing.*", "~syncthing~*", ".stfolder/", ".stversions/"),
    *(
        "*(*conflicted copy*)*",
        "*_conflict-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]-*",
        "._sync_*",
        ".sync_*.db",
        ".owncloudsync.log",
    ),
    *("*(SFConflict *", "*.Conflict", "*.conflict[0-9]", ".dropbox", ".dropbox.cache/"),
    *(".unison.*", "*.unison.tmp", ".~tmp~/", "*.rclone_chunk.*", ".tmp.drivedownload/"),
)
"""What is left out unless `.memorysyncignore` brings it back."""


class RuleError(ValueError):
    """A line is no rule; the text says why, for people, without repeating it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: `number` is its line in the file, 0 or less for a default; `parts` are anchored."""

    text: str
    number: int
    negated: bool
    folders_only: bool
    parts: tuple[Part, ...]

    @property
    def anywhere(self) -> bool:
        """Tell whether only the last part of a path decides."""
        return len(self.parts) == 2 and self.parts[0] is None

    @property
    def name(self) -> re.Pattern[str]:
        """What the last part of a path has to match."""
        last = self.parts[-1]
        if last is None:
            raise ValueError("a rule ends with a name")  # `read_rule` makes no other
        return last


@dataclass(frozen=True)
class Rules:
    """The rules in their order: the defaults, then those of a file."""

    rules: tuple[Rule, ...]

    @cached_property
    def _above(self) -> dict[str, Rule | None]:
        """What is known of folders: a look asks about all files of one, then about the next."""
        return {}

    @cached_property
    def _names(self) -> re.Pattern[str] | None:
        """One pattern for all rules that are about a name alone: most names fit none of them."""
        texts = [rule.name.pattern for rule in self.rules if rule.anywhere]
        return re.compile("|".join(texts), re.DOTALL) if texts else None

    @cached_property
    def _others(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if not rule.anywhere)

    def leaves_out(self, path: str, *, folder: bool = False) -> Rule | None:
        """Return the rule that leaves a path out, or a folder on the way to it; None if none does.

        What lies in a folder that is left out cannot be brought back, as in git: no walk comes
        there.
        """
        parts = path.split("/")
        above = path.rpartition("/")[0]
        if above in self._above:
            rule = self._above[above] or self._first(parts, len(parts), folder=folder)
        else:
            rule = self._first(parts, 1, folder=folder)
            if len(self._above) == REMEMBERED:
                self._above.clear()
            if above:
                self._above[above] = self._first(parts[:-1], 1, folder=True)
        return rule

    def _first(self, parts: list[str], count: int, *, folder: bool) -> Rule | None:
        """Look at the path that so many parts make, then at longer ones, for one left out."""
        # Each rule goes along the path once, however deep that is.
        fitting = {rule.number: lengths(rule.parts, parts) for rule in self._others}
        for length in range(count, len(parts) + 1):
            name, is_folder = parts[length - 1], folder or length < len(parts)
            named = self._names is not None and self._names.match(name)
            for rule in reversed(self.rules if named else self._others):
                if rule.folders_only and not is_folder:
                    continue
                if is_folder and rule.number <= 0 and not rule.folders_only:
                    continue  # a default that is not of folders is of files: notes lie below
                if rule.name.match(name) if rule.anywhere else length in fitting[rule.number]:
                    if rule.negated:
                        break
                    return rule
        return None


@lru_cache(maxsize=64)
def compiled(lines: tuple[str, ...]) -> Rules:
    """Compile the defaults and the lines of a file; a line that is no rule is passed over."""
    defaults = (read_rule(text, -number) for number, text in enumerate(DEFAULT_RULES))
    rules = [rule for rule in defaults if rule]
    for number, text in enumerate(lines, start=1):
        try:
            rule = read_rule(text, number)
        except RuleError:
            continue
        if rule:
            rules.append(rule)
    return Rules(tuple(rules))


@dataclass(frozen=True, slots=True)
class Text:
    """A file of rules as it was read: its lines, and what of them is not heeded, for people."""

    lines: tuple[str, ...] = ()
    unheeded: tuple[str, ...] = ()


def read_text(content: bytes) -> Text:
    """Read a file of rules, from whomever it comes; never fails."""
    unheeded: list[str] = []
    if len(content) > MAX_BYTES:
        content = content[:MAX_BYTES].rpartition(b"\n")[0]
        unheeded.append(f"only its first {MAX_BYTES // 1024} KiB are heeded")
    lines: list[str] = []
    count = 0
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            text = raw.decode("utf-8")
            rule = read_rule(text, number)
        except UnicodeDecodeError:
            text, rule = "", None
            unheeded.append(f"line {number} is no UTF-8")
        except RuleError as error:
            text, rule = "", None
            unheeded.append(f"line {number} {error}")
        count += rule is not None
        if count > MAX_RULES:
            unheeded.append(f"only its first {MAX_RULES} rules are heeded")
            break
        # A line that says nothing is kept as an empty one, so that the others keep their numbers.
        lines.append(text if rule else "")
    while lines and not lines[-1]:
        lines.pop()
    return Text(tuple(lines), tuple(unheeded))


def read_rule(line: str, number: int) -> Rule | None:
    """Read one line; None for an empty one or a comment. Raises RuleError."""
    if len(line) > MAX_LINE:
        raise RuleError(f"is longer than {MAX_LINE} letters")
    text = _trimmed(line.rstrip("\r"))
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    body = unicodedata.normalize("NFC", text[negated:])
    folders_only = body.endswith("/")
    body = body.removesuffix("/")
    anchored = "/" in body
    names = [name for name in body.split("/") if name not in ("", ".")]
    if not names or ".." in names:
        raise RuleError("names no path in the folder")
    if len(names) > MAX_PARTS:
        raise RuleError(f"has more than {MAX_PARTS} parts")
    parts = [None if name == "**" else _part(name) for name in names]
    if parts[-1] is None:
        # `a/**` is all that is in `a`, and not `a` itself.
        parts.append(_part("*"))
    if not anchored and parts[0] is not None:
        parts.insert(0, None)
    return Rule(text, number, negated, folders_only, tuple(parts))


def _trimmed(line: str) -> str:
    """Return a line without the blanks at its end, but for one that a backslash keeps."""
    text = line.rstrip(" \t")
    kept = len(text) - len(text.rstrip("\\"))
    return text + line[len(text) : len(text) + 1] if kept % 2 else text


def _part(name: str) -> re.Pattern[str]:
    """Compile one part of a pattern. Raises RuleError."""
    chunks: list[str] = [""]
    at = 0
    while at < len(name):
        char = name[at]
        at += 1
        if char == "*":
            if chunks[-1] or len(chunks) == 1:
                chunks.append("")
            continue
        if char == "?":
            chunks[-1] += "."
        elif char == "[":
            text, at = _set(name, at)
            chunks[-1] += text
        else:
            if char == "\\":
                if at == len(name):
                    raise RuleError("ends with a backslash")
                char = name[at]
                at += 1
            chunks[-1] += re.escape(char)
    first, *found = chunks
    if not found:
        return re.compile(rf"(?:{first})\Z", re.DOTALL)
    *middle, last = found
    # Each star takes the first place where what follows it fits, and keeps to it.
    steps = "".join(f"(?>.*?{chunk})" for chunk in middle)
    return re.compile(rf"(?:{first}{steps}.*{last})\Z" if last else rf"(?:{first}{steps}.*)\Z",
                      re.DOTALL)  # fmt: skip


def _set(name: str, at: int) -> tuple[str, int]:
    """Translate a set of letters that begins before `at`; return it with where it ends."""
    negated = name.startswith(("!", "^"), at)
    at += negated
    letters: list[str] = []
    ranges: list[str] = []
    first = True
    while at < len(name) and (name[at] != "]" or first):
        first = False
        if name.startswith("[:", at):
            raise RuleError("has a set with a class, which is not known here")
        low, at = _letter(name, at)
        if name[at : at + 1] == "-" and name[at + 1 : at + 2] not in ("", "]"):
            high, at = _letter(name, at + 1)
            if high < low:
                raise RuleError("has a set with a range that goes backwards")
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            letters.append(re.escape(low))
    if at >= len(name):
        raise RuleError("has a set without an end")
    return f"[{'^' if negated else ''}{''.join(letters + ranges)}]", at + 1


def _letter(name: str, at: int) -> tuple[str, int]:
    if name[at] == "\\" and at + 1 < len(name):
        at += 1
    return name[at], at + 1


def unread(texts: Iterable[str]) -> str:
    """Say what of a file of rules is not heeded: the first things, and how many more."""
    found = list(texts)
    more = f", and {len(found) - 3} more" if len(found) > 3 else ""
    return "; ".join(found[:3]) + more
