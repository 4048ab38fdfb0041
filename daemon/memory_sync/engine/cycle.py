"""The engine: one cycle from a look to a record.

Observations are stored, intentions are not: a crash at any point leaves nothing to replay, the next
cycle looks again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace

from memory_sync.engine.apply import Applied, Applier, base_of
from memory_sync.engine.carry import Carrier, remember_roots
from memory_sync.engine.echoes import Echoes
from memory_sync.engine.fetch import Fetched, Fetcher
from memory_sync.engine.found import look_into, trust_for
from memory_sync.engine.kit import Kit
from memory_sync.engine.local import (
    Looked,
    flush,
    forget_left_out,
    problem,
    problems,
    take_settings,
)
from memory_sync.engine.planning import Planned, make_plan
from memory_sync.engine.push import Pushed, Pusher
from memory_sync.engine.rekey import Rekeyer, Survey, recovery_problem
from memory_sync.engine.repair import Repairer
from memory_sync.engine.secrets import Findings
from memory_sync.engine.waiting import Waiting
from memory_sync.errors import (
    BranchGoneError,
    BusyError,
    FileChangedError,
    FileNameError,
    FileTooLargeError,
    HaltError,
    MemorySyncError,
    Moved,
    PlanChangedError,
    RaceLostError,
    RepositoryGoneError,
    RepositoryOpenedError,
    SecretBlockedError,
)
from memory_sync.model import (
    About,
    BaseFile,
    FileVersion,
    Kind,
    Outcome,
    Problem,
    RemoteFile,
    Would,
    split_root,
)
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports.remote import Remote
from memory_sync.sync.patterns import Patterns
from memory_sync.vault.judge import Trust

TRIES = 8
WAIT_FOR_PERSON = (FileTooLargeError, FileNameError, SecretBlockedError)
"""Errors of a file that no further look mends."""
INWARD = (Kind.DELETE_LOCAL, Kind.DOWNLOAD, Kind.MERGE, Kind.MERGE_DOWN)
"""What changes the files here."""
CONDITION_EVERY = 600.0
"""Seconds between looks whether the repository is still there and still private."""
REMEMBER_EVERY = 600


class Engine:
    """One vault's engine. Not for use by several threads at once."""

    def __init__(self, kit: Kit, *, allow_public: bool = False) -> None:
        self._kit = kit
        self._allow_public = allow_public
        self._fetcher = Fetcher(kit)
        self._echoes = Echoes(kit)
        self._findings = Findings(kit)
        self._condition_due = 0.0
        self._restless = True
        self._sound = False
        self._begun = False
        self._last = Outcome()
        self._travelled = Outcome()

    def cycle(
        self, *, up: bool = True, down: bool = True, look: bool = True, fetch: bool = True
    ) -> Outcome:
        """Bring both sides together; without `look`, only if the remote moved or a halt stands.

        `up` and `down` tell which sides may change. Without `fetch` the remote is taken to be as it
        was last: if it is not, the commit fails, and only then it is asked. Raises errors that
        concern the whole vault; what concerns a root or a file is in the outcome.
        """
        self._travelled = Outcome()
        self._begin()
        for attempt in range(TRIES):
            first = attempt == 0
            try:
                outcome = self._once(
                    up=up, down=down, look=look or not first, fetch=fetch or not first
                )
                return outcome.after(self._travelled)
            except HaltError as error:
                told = self._told(error)
                with suppress(MemorySyncError):
                    self._note_halts((problem(told),))
                raise told from None
            except Moved:
                self._wait_a_little(attempt)
            finally:
                self._kit.spool.clear()
        raise RaceLostError(vault=self._kit.vault, tries=TRIES)

    def _begin(self) -> None:
        """Heed settings before the vault is asked: offline they may be changed back meanwhile.

        They are those of the process: an engine is made anew with others.
        """
        if not self._begun:
            take_settings(self._kit)
            forget_left_out(self._kit)
            self._begun = True

    def _wait_a_little(self, attempt: int) -> None:
        """Wait before the next try where another device was quicker."""
        pause = 0.05 * 2**attempt
        self._kit.clock.sleep(pause * (0.5 + self._kit.clock.jitter()))

    def distrust(self) -> None:
        """Let the next cycle look whether the repository is still private, whenever that was."""
        self._condition_due = 0.0

    def preview(self) -> Planned:
        """Fetch, look and plan, and change nothing: what a cycle would do."""
        self._restless = True  # what is fetched here is still to be applied
        try:
            fetched = self._fetcher.refresh(self._trust())
        except HaltError as error:
            raise self._told(error) from None
        return make_plan(self._kit, fetched)

    def confirm(self, plans: Mapping[str, str]) -> Outcome:
        """Let what halts these roots pass, if it is what `plans` names (by root), and run a cycle.

        What a guard has stopped is done; a folder that is not the one that was meant is taken as it
        is, and united with the vault. A plan under no name mends the vault itself. Raises
        PlanChangedError, or what a repair raises, before anything is done.
        """
        if "" in plans:
            return self._repair(plans[""])
        state = self._kit.state
        planned = self.preview()
        for root, plan in plans.items():
            error = planned.halts.get(root)
            would = error.facts.get("would") if error else None
            if not isinstance(would, Would) or not would.plan or would.plan != plan:
                raise PlanChangedError(root=root)
        approved = {
            root: replace(alarm, approved=True)
            for root, alarm in planned.alarms.items()
            if root in plans
        }
        state.save_alarms(planned.standing, {**planned.alarms, **approved})
        for root in plans.keys() - approved.keys():
            self._kit.roots[root].files.adopt(replace=True, make=True)
            # Without a base the two sides are united, and nothing is deleted; if a crash keeps it
            # from being forgotten, the new marker tells that it belonged to another folder.
            self._kit.forget(root)
        return self.cycle()

    def survey(self) -> Survey:
        """Fetch, and tell what there is to encrypt anew. Raises RekeyBlockedError."""
        return self._rekeyer().survey()

    def rekey(self, *, rotate: bool) -> Outcome:
        """Run a cycle, then encrypt everything anew as one commit, and return what travelled.

        It is done under a new key, or else for the recovery keys of the configuration. Raises
        RekeyBlockedError before anything is done.
        """
        before = self._trust().recipient
        for attempt in range(TRIES):
            outcome = self.cycle()
            if self._trust().recipient != before:
                return outcome  # what was cut short before has landed
            try:
                rekeyer = self._rekeyer()
                sent = rekeyer.rotate() if rotate else rekeyer.keep_key()
            except Moved:
                self._wait_a_little(attempt)
                continue
            finally:
                self._kit.spool.clear()
                self._sound, self._restless = False, True
            return replace(outcome, head=self._fetcher.snapshot.head, sent=outcome.sent + sent)
        raise RaceLostError(vault=self._kit.vault, tries=TRIES)

    def _rekeyer(self) -> Rekeyer:
        self._restless = True
        fetched = self._fetcher.refresh(self._trust())
        if fetched.halt:
            raise fetched.halt
        return Rekeyer(self._kit, self._fetcher, fetched)

    def _repair(self, plan: str) -> Outcome:
        """Mend a vault that is halted, and run a cycle."""
        self._restless, self._sound = True, False
        self._condition_due = 0.0
        self._check_condition()
        try:
            with self._before() as before:
                Repairer(self._kit, self._fetcher, before).run(plan, self._trust())
        except Moved:
            pass  # another device was quicker; whether that has mended it the next look tells
        finally:
            self._kit.spool.clear()
        return self.cycle()

    @contextmanager
    def _before(self) -> Iterator[Remote | None]:
        """Give the remote in which the vault was, if it is to move and that can be asked."""
        url, reach = self._fetcher.moved_from(), self._kit.reach
        remote = None
        with suppress(MemorySyncError):
            remote = reach(url) if url and reach else None
        try:
            yield remote
        finally:
            if remote:
                remote.close()

    def remote_files(self) -> dict[str, RemoteFile]:
        """Fetch, and return what the vault holds, by path; the contents stay in the spool."""
        self._restless = True
        return dict(self._fetcher.refresh(self._trust()).snapshot.objects.values())

    def about(self) -> About:
        """Tell how the remote is reached; asks nothing."""
        return self._kit.remote.about()

    @property
    def rules(self) -> Mapping[str, Patterns]:
        """The patterns of each root, as the last look found them."""
        return self._kit.rules

    def pending(self) -> Waiting:
        """Look at the roots only, and tell what waits; asks the remote nothing."""
        fetched = Fetched(self._fetcher.snapshot, self._fetcher.keys(self._trust()))
        return Waiting.of(make_plan(self._kit, fetched).plan)

    def _once(self, *, up: bool, down: bool, look: bool, fetch: bool) -> Outcome:
        trust = self._trust()
        # Until this pass has come to its end: what it fetched and did not apply is seen but once.
        restless, self._restless = self._restless, True
        if fetch or not (self._sound and self._fetcher.snapshot.head and trust.commit):
            self._sound = False
            # First the head: it tells a disk that is not mounted from a repository that is gone.
            fetched = self._fetcher.refresh(trust)
            self._check_condition()
            self._sound = fetched.halt is None
        else:
            fetched = Fetched(self._fetcher.snapshot, self._fetcher.keys(trust))
        pushed = Pushed()
        if up and (look or fetched.changed or restless):
            pushed, fetched = self._carry(fetched)
        heard = self._echoes.heard() if down and not fetched.halt else []
        if not (look or fetched.changed or restless or heard) and self._roots_stand():
            self._restless = False
            return self._last
        planned = make_plan(self._kit, fetched)
        taken = self._echoes.take_up(heard, planned)
        if taken.changed:
            planned = make_plan(self._kit, fetched)
        self._kit.state.save_alarms(planned.standing, planned.alarms)
        applied, recorded = self._apply(planned, fetched, up=up and not fetched.halt, down=down)
        applied.conflicts += taken.conflicts
        applied.errors |= taken.errors
        if up and not fetched.halt and not pushed.resume:
            uploads, deletes = self._to_push(planned, applied)
            if uploads or deletes:
                self._check_condition()
            pushed = self._push(fetched, applied, uploads, deletes).after(pushed)
        self._establish(planned, applied, pushed)
        outcome = self._outcome(planned, fetched, applied, pushed, recorded)
        self._restless = any((outcome.halts, outcome.again, outcome.pending, outcome.resume))
        self._remember(outcome)
        self._last = replace(
            outcome, up=(), down=(), merged=(), new_conflicts=(), sent=0, received=0, resume=0.0
        )
        return outcome

    def _carry(self, fetched: Fetched) -> tuple[Pushed, Fetched]:
        """Let what the vault holds under former names of roots follow to the new ones."""
        if fetched.halt or not self._kit.former:
            return Pushed(), fetched
        carrier = Carrier(self._kit, self._fetcher, fetched.keys, self._findings)
        if not carrier.due:
            return Pushed(), fetched
        self._check_condition()
        sound, self._sound = self._sound, False
        carried = carrier.carry()
        self._sound = sound
        keys = self._fetcher.keys(self._trust())
        return carried, replace(fetched, snapshot=self._fetcher.snapshot, keys=keys, changed=True)

    def _roots_stand(self) -> bool:
        """Tell whether every root's folder and marker are there: no event tells of an unmount."""
        try:
            for root in self._kit.roots.values():
                root.files.check()
        except (HaltError, BusyError):
            return False
        return True

    def _told(self, error: HaltError) -> HaltError:
        """Add to a vault that is gone what would have gone with it."""
        if not isinstance(error, BranchGoneError | RepositoryGoneError) or "would" in error.facts:
            return error
        return type(error)(**error.facts, would=self._fetcher.nothing_left())

    def _note_halts(self, halts: tuple[Problem, ...]) -> None:
        """Write down what is halted, for `status` when no daemon runs."""
        told = json.dumps([halt.data() for halt in halts]) if halts else None
        self._kit.state.put("halts", told)

    def _remember(self, outcome: Outcome) -> None:
        """Write down what `status` tells when no daemon runs; seldom if nothing travels."""
        kit = self._kit
        self._note_halts(outcome.halts)
        if not outcome.halts:
            remember_roots(kit, self._fetcher.snapshot)
        blocked = [one for one in outcome.problems if one.code == SecretBlockedError.code]
        warned = [one.data() for one in (*blocked, *outcome.warnings)]
        kit.state.put("warnings", json.dumps(warned) if warned else None)
        now = int(kit.clock.now())
        last = int(kit.state.get("last_success") or 0)
        moved = outcome.up or outcome.down or outcome.merged
        settled = kit.state.get("conflicts") not in (None, str(outcome.conflicts))
        if moved or settled or not 0 <= now - last < REMEMBER_EVERY:
            with kit.state.transaction():
                kit.state.put("about", json.dumps(asdict(kit.remote.about())))
                kit.state.put("last_success", str(now))
                kit.state.put("conflicts", str(outcome.conflicts))

    def _trust(self) -> Trust:
        """Return what is trusted; on first contact, what is there, if its key is here."""
        kit = self._kit
        trust = kit.keystore.trust(kit.vault)
        if trust is None:
            # Nothing of it is verified yet: it is written down with the first commit that counts.
            trust = trust_for(look_into(kit.remote), kit.vault, kit.remote, kit.keystore)
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

    def _apply(
        self, planned: Planned, fetched: Fetched, *, up: bool, down: bool
    ) -> tuple[Applied, dict[str, BaseFile | None]]:
        """Do what changes local files, and record the base once the bytes are durable.

        With `up` also what makes conflict copies of the vault's versions, which then are replaced.
        """
        equal = {action.path for action in planned.plan.of(Kind.RECORD)}
        rows: dict[str, BaseFile | None] = {
            path: base_of(planned.remote[path]) for path in equal - flush(self._kit, equal)
        }
        forgotten = planned.plan.of(Kind.FORGET)
        self._kit.state.keep_former(
            action.path for action in forgotten if action.local or not self._kit.wants(action.path)
        )
        rows |= dict.fromkeys(action.path for action in forgotten)
        self._kit.state.save_base(rows)
        applied = Applied()
        actions = planned.plan.of(*(INWARD if down else ()), *((Kind.OVERRULE,) if up else ()))
        if actions:
            applier = Applier(self._kit, self._fetcher, fetched.keys, planned.looked)
            applied = applier.run(actions)
        return applied, rows | applied.base

    def _push(
        self,
        fetched: Fetched,
        applied: Applied,
        uploads: dict[str, FileVersion],
        deletes: list[str],
    ) -> Pushed:
        """Carry changes up; if another device was quicker, what was done so far is kept in mind."""
        pusher = Pusher(self._kit, self._fetcher, fetched.keys, self._findings)
        # Until it is known how this ends: a commit whose answer is lost must be looked for first.
        sound, self._sound = self._sound, False
        try:
            pushed = pusher.run(uploads, deletes)
        except Moved:
            done = Outcome(
                up=tuple(pusher.done.up),
                down=tuple(applied.down),
                merged=tuple(applied.merged),
                new_conflicts=tuple(applied.conflicts),
                sent=pusher.done.sent,
                received=fetched.received,
            )
            self._travelled = done.after(self._travelled)
            raise
        self._sound = sound
        return pushed

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
        due = planned.plan.of(*INWARD)
        undone = {action.path for action in due} - applied.base.keys()
        troubled = planned.halts.keys() | {
            split_root(path)[0]
            for path in (*undone, *planned.errors, *applied.errors, *pushed.errors)
        }
        if applied.again or pushed.again or pushed.resume:
            return
        fresh = self._kit.roots.keys() - troubled - self._kit.state.established()
        if fresh:
            self._kit.state.establish(fresh)

    def _outcome(
        self,
        planned: Planned,
        fetched: Fetched,
        applied: Applied,
        pushed: Pushed,
        recorded: Mapping[str, BaseFile | None],
    ) -> Outcome:
        objects = dict(self._fetcher.snapshot.objects.values())
        there = {path: file.version.digest for path, file in objects.items()}
        written = {path: version.digest for path, version in applied.uploads.items()}
        self._findings.settle(planned.looked, written)
        blocked = self._findings.blocked(there)
        errors = {**planned.errors, **blocked, **applied.errors, **pushed.errors}
        torn = {path for path, error in errors.items() if isinstance(error, FileChangedError)}
        hopeless = {path for path, error in errors.items() if isinstance(error, WAIT_FOR_PERSON)}
        waiting = Waiting.of(planned.plan, applied.uploads).less(
            up=(set(pushed.up) - pushed.unsure) | hopeless, down=recorded.keys() | hopeless
        )
        halts = [problem(error, root=root) for root, error in sorted(planned.halts.items())]
        told = {error.message for error in errors.values()}
        notes = {
            str(note.facts.get("path", "")): note
            for note in planned.looked.notes
            if note.message not in told
        }
        differs = recovery_problem(self._kit)
        conflicts = self._copies(objects, planned.looked, applied)
        return Outcome(
            head=self._fetcher.snapshot.head,
            up=tuple(sorted(pushed.up)),
            down=tuple(sorted(applied.down)),
            merged=tuple(sorted(applied.merged)),
            new_conflicts=tuple(sorted(applied.conflicts)),
            conflicts=len(conflicts),
            pending=len(waiting.all),
            pending_up=len(waiting.up),
            pending_down=len(waiting.down),
            sent=pushed.sent,
            received=fetched.received,
            problems=(
                *([problem(differs)] if differs else []),
                *problems(
                    (path, error) for path, error in (notes | errors).items() if path not in torn
                ),
            ),
            halts=tuple(halts),
            warnings=self._findings.warnings(there),
            again=bool(torn) or planned.looked.again or applied.again or pushed.again,
            resume=pushed.resume,
        )

    def _copies(
        self, objects: Mapping[str, RemoteFile], looked: Looked, applied: Applied
    ) -> set[str]:
        """Return the conflict copies: the vault's, but of a root that only receives those here."""
        ways = self._kit.directions
        stay = tuple(f"{CONFLICTS}/{root}/" for root, way in ways.items() if way == "pull")
        there = {
            path
            for path in (*objects, *applied.conflicts)
            if split_root(path)[0] == CONFLICTS and not path.startswith(stay)
        }
        if not stay:
            return there
        gone = {path for path, row in applied.base.items() if row is None}
        here = {*looked.files, *applied.down, *applied.conflicts} - gone
        return there | {path for path in here if path.startswith(stay)}
