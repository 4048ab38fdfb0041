"""The engine: one cycle from a look to a record.

Observations are stored, intentions are not: a crash at any point leaves nothing to replay, the next
cycle looks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from memory_sync.engine.apply import Applied, Applier, base_of
from memory_sync.engine.fetch import Fetched, Fetcher
from memory_sync.engine.found import look_into, trust_for
from memory_sync.engine.kit import Kit
from memory_sync.engine.local import Looked, look, problem, problems
from memory_sync.engine.push import Pushed, Pusher
from memory_sync.errors import (
    BusyError,
    FileChangedError,
    FileNameError,
    FileTooLargeError,
    HaltError,
    MemorySyncError,
    Moved,
    ObjectBrokenError,
    RaceLostError,
    RemoteEmptiedError,
    RepositoryGoneError,
    RepositoryOpenedError,
    RootEmptiedError,
)
from memory_sync.model import BaseFile, FileVersion, Kind, Outcome, Plan, RemoteFile, split_root
from memory_sync.model.trees import CONFLICTS
from memory_sync.sync.guards import Guard, alarms
from memory_sync.sync.plan import plan
from memory_sync.vault.judge import Trust
from memory_sync.vault.objects import object_name

TRIES = 8
WAIT_FOR_PERSON = (FileTooLargeError, FileNameError)
"""Errors of a file that no further look mends."""
CONDITION_EVERY = 3600.0
REMEMBER_EVERY = 600


@dataclass(frozen=True)
class Planned:
    """A plan with what it was made from."""

    plan: Plan
    looked: Looked
    remote: Mapping[str, RemoteFile]
    halts: Mapping[str, MemorySyncError]
    errors: Mapping[str, MemorySyncError]


class Engine:
    """One vault's engine. Not for use by several threads at once."""

    def __init__(self, kit: Kit, *, allow_public: bool = False) -> None:
        self._kit = kit
        self._allow_public = allow_public
        self._fetcher = Fetcher(kit)
        self._condition_due = 0.0
        self._restless = True
        self._sound = False
        self._last = Outcome()

    def cycle(
        self, *, up: bool = True, down: bool = True, look: bool = True, fetch: bool = True
    ) -> Outcome:
        """Bring both sides together; without `look`, only if the remote moved or a halt stands.

        `up` and `down` tell which sides may change. Without `fetch` the remote is taken to be as it
        was last: if it is not, the commit fails, and only then it is asked. Raises errors that
        concern the whole vault; what concerns a root or a file is in the outcome.
        """
        for attempt in range(TRIES):
            first = attempt == 0
            try:
                return self._once(
                    up=up, down=down, look=look or not first, fetch=fetch or not first
                )
            except Moved:
                pause = 0.05 * 2**attempt
                self._kit.clock.sleep(pause * (0.5 + self._kit.clock.jitter()))
            finally:
                self._kit.spool.clear()
        raise RaceLostError(vault=self._kit.vault, tries=TRIES)

    def preview(self) -> Planned:
        """Fetch, look and plan, and change nothing: what a cycle would do."""
        return self._plan(self._fetcher.refresh(self._trust()))

    def remote_files(self) -> dict[str, RemoteFile]:
        """Fetch, and return what the vault holds, by path; the contents stay in the spool."""
        return dict(self._fetcher.refresh(self._trust()).snapshot.objects.values())

    def pending(self) -> int:
        """Look at the roots only, and count what waits to go up; asks the remote nothing."""
        fetched = Fetched(self._fetcher.snapshot, self._fetcher.keys(self._trust()))
        return len(self._plan(fetched).plan.of(Kind.UPLOAD, Kind.DELETE_REMOTE, Kind.MERGE))

    def _once(self, *, up: bool, down: bool, look: bool, fetch: bool) -> Outcome:
        trust = self._trust()
        if fetch or not (self._sound and self._fetcher.snapshot.head and trust.commit):
            self._sound = False
            # First the head: it tells a disk that is not mounted from a repository that is gone.
            fetched = self._fetcher.refresh(trust)
            self._check_condition()
            self._sound = fetched.halt is None
        else:
            fetched = Fetched(self._fetcher.snapshot, self._fetcher.keys(trust))
        if not (look or fetched.changed or self._restless) and self._roots_stand():
            return self._last
        planned = self._plan(fetched)
        applied, recorded = self._apply(planned, fetched, down=down)
        pushed = Pushed()
        if up and not fetched.halt:
            uploads, deletes = self._to_push(planned, applied)
            pushed = Pusher(self._kit, self._fetcher, fetched.keys).run(uploads, deletes)
        self._establish(planned, applied, pushed)
        outcome = self._outcome(planned, fetched, applied, pushed, recorded)
        self._restless = bool(outcome.halts or outcome.again or outcome.pending)
        self._remember(outcome)
        self._last = replace(
            outcome, up=(), down=(), merged=(), new_conflicts=(), sent=0, received=0
        )
        return outcome

    def _roots_stand(self) -> bool:
        """Tell whether every root's folder and marker are there: no event tells of an unmount."""
        try:
            for root in self._kit.roots.values():
                root.files.check()
        except (HaltError, BusyError):
            return False
        return True

    def _remember(self, outcome: Outcome) -> None:
        """Write down what `status` tells when no daemon runs; seldom if nothing travels."""
        kit = self._kit
        now = int(kit.clock.now())
        last = int(kit.state.get("last_success") or 0)
        if outcome.up or outcome.down or outcome.merged or not 0 <= now - last < REMEMBER_EVERY:
            with kit.state.transaction():
                kit.state.put("last_success", str(now))
                kit.state.put("conflicts", str(outcome.conflicts))

    def _trust(self) -> Trust:
        """Return what is trusted; on first contact, what is there, if its key is here."""
        kit = self._kit
        trust = kit.keystore.trust(kit.vault)
        if trust is None:
            trust = trust_for(look_into(kit.remote), kit.vault, kit.remote, kit.keystore)
            kit.keystore.set_trust(kit.vault, trust)
        return trust

    def _check_condition(self) -> None:
        """Look now and then whether the repository is still there and still private."""
        now = self._kit.clock.monotonic()
        if now < self._condition_due:
            return
        condition = self._kit.remote.condition()
        if not condition.exists:
            raise RepositoryGoneError(remote=self._kit.remote.url)
        if condition.public and not self._allow_public:
            raise RepositoryOpenedError(remote=self._kit.remote.url)
        self._condition_due = now + CONDITION_EVERY

    def _plan(self, fetched: Fetched) -> Planned:
        kit = self._kit
        looked = look(kit)
        remote = dict(fetched.snapshot.objects.values())
        base = kit.state.base()
        local_tree = {path: version.digest for path, version in looked.files.items()}
        remote_tree = {path: file.version.digest for path, file in remote.items()}
        base_tree = {path: file.digest for path, file in base.items()}
        for path, (digest, there) in kit.state.includes().items():
            if (local_tree.get(path), remote_tree.get(path)) == (digest, there):
                base_tree[path] = there  # a merge that was written and not yet recorded
        known = local_tree.keys() | remote_tree.keys() | base_tree.keys()
        outside = {path for path in known if not kit.wants(path)}
        errors = self._broken(fetched, known)
        halts = dict(looked.halts)
        inside = {path: digest for path, digest in base_tree.items() if path not in outside}
        for alarm in alarms(local_tree, remote_tree, inside, kit.roots.keys() - halts.keys()):
            error = RootEmptiedError if alarm.guard is Guard.LOCAL_EMPTIED else RemoteEmptiedError
            path = getattr(kit.roots[alarm.root].files, "path", alarm.root)
            halts[alarm.root] = error(root=alarm.root, count=alarm.count, path=path)
        held = {
            path
            for path in known
            if looked.holds(path) or path in errors or split_root(path)[0] in halts
        }
        made = plan(local_tree, remote_tree, base_tree, held=held, outside=outside)
        return Planned(made, looked, remote, halts, errors | dict(looked.held))

    def _broken(self, fetched: Fetched, known: set[str]) -> dict[str, MemorySyncError]:
        """Find the paths of objects that cannot be read: nothing is decided about those.

        An object's name tells its path only to who knows the path already.
        """
        broken = fetched.snapshot.broken
        if not broken:
            return {}
        names = {object_name(fetched.keys.derived.names, path): path for path in known}
        return {
            names.get(name, name): ObjectBrokenError(path=names.get(name, name), detail=item.detail)
            for name, item in broken.items()
        }

    def _apply(
        self, planned: Planned, fetched: Fetched, *, down: bool
    ) -> tuple[Applied, dict[str, BaseFile | None]]:
        """Do what changes local files, and record the base once the bytes are durable."""
        rows: dict[str, BaseFile | None] = {}
        for action in planned.plan.of(Kind.RECORD):
            rows[action.path] = base_of(planned.remote[action.path])
        for action in planned.plan.of(Kind.FORGET):
            rows[action.path] = None
        applied = Applied()
        try:
            if down:
                applier = Applier(self._kit, self._fetcher, fetched.keys, planned.looked)
                actions = planned.plan.of(Kind.DELETE_LOCAL, Kind.DOWNLOAD, Kind.MERGE)
                applied = applier.run(actions)
        finally:
            recorded = rows | applied.base
            if recorded:
                self._kit.state.save_base(recorded)
        return applied, recorded

    def _to_push(
        self, planned: Planned, applied: Applied
    ) -> tuple[dict[str, FileVersion], list[str]]:
        uploads = {
            action.path: planned.looked.files[action.path]
            for action in planned.plan.of(Kind.UPLOAD)
        }
        deletes = [action.path for action in planned.plan.of(Kind.DELETE_REMOTE)]
        return uploads | applied.uploads, deletes

    def _establish(self, planned: Planned, applied: Applied, pushed: Pushed) -> None:
        """Remember the roots that are wholly in sync now."""
        troubled = planned.halts.keys() | {
            split_root(path)[0] for path in (*planned.errors, *applied.errors, *pushed.errors)
        }
        fresh = self._kit.roots.keys() - troubled - self._kit.state.established()
        if fresh and not (applied.again or pushed.again):
            self._kit.state.establish(fresh)

    def _outcome(
        self,
        planned: Planned,
        fetched: Fetched,
        applied: Applied,
        pushed: Pushed,
        recorded: Mapping[str, BaseFile | None],
    ) -> Outcome:
        errors = {**planned.errors, **applied.errors, **pushed.errors}
        torn = {path for path, error in errors.items() if isinstance(error, FileChangedError)}
        hopeless = {path for path, error in errors.items() if isinstance(error, WAIT_FOR_PERSON)}
        done = set(pushed.up) | recorded.keys() | hopeless
        pending = {action.path for action in planned.plan.actions} | applied.uploads.keys()
        halts = [problem(error, root=root) for root, error in sorted(planned.halts.items())]
        if fetched.halt:
            halts.append(problem(fetched.halt))
        told = {error.message for error in errors.values()}
        notes = {
            str(note.facts.get("path", "")): note
            for note in planned.looked.notes
            if note.message not in told
        }
        objects = self._fetcher.snapshot.objects.values()
        conflicts = {path for path, _ in objects if split_root(path)[0] == CONFLICTS}
        return Outcome(
            head=self._fetcher.snapshot.head,
            up=tuple(sorted(pushed.up)),
            down=tuple(sorted(applied.down)),
            merged=tuple(sorted(applied.merged)),
            new_conflicts=tuple(sorted(applied.conflicts)),
            conflicts=len(conflicts | set(applied.conflicts)),
            pending=len(pending - done),
            sent=pushed.sent,
            received=fetched.received,
            problems=problems(
                (path, error) for path, error in (notes | errors).items() if path not in torn
            ),
            halts=tuple(halts),
            again=bool(torn) or applied.again or pushed.again,
        )
