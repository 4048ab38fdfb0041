"""Many actors on one simulated clock, of which exactly one moves at any moment.

Each actor is a thread, so that it can wait in the middle of a cycle while others act; but the baton
goes from one to the next only where one waits. So nothing depends on how the machine schedules
threads, and an hour passes as quickly as it can be computed.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count
from random import Random

START = 1_800_000_000.0
"""The wall time at which every play begins."""


class Curtain(BaseException):
    """The play is over: an actor that waits leaves the stage."""


class Stage:
    """The clock, and who moves when."""

    def __init__(self) -> None:
        self.time = 0.0
        self._order = count()
        self._due: list[tuple[float, int, Callable[[], Actor | None]]] = []
        self._actors: list[Actor] = []
        self._home = threading.Semaphore(0)
        self._over = False
        self.failure: BaseException | None = None

    def now(self) -> float:
        """Return the wall time, for the double of GitHub."""
        return START + self.time

    def at(self, when: float, deed: Callable[[], None]) -> None:
        """Let something happen at a time; it must not wait."""

        def call() -> None:
            deed()

        self._push(when, call)

    def enter(self, when: float, play: Callable[[Actor], None]) -> Actor:
        """Let an actor begin at a time."""
        actor = Actor(self, play)
        self._actors.append(actor)
        actor.call_at(when)
        return actor

    def run(self, until: float) -> None:
        """Let time pass up to a moment; what an actor raises is raised here, and ends the play."""
        self.at(until, self._stop)
        self._pass_on()
        self._home.acquire()
        if self.failure:
            self.close()
            raise self.failure

    def close(self) -> None:
        """Let all actors leave, one after the other."""
        self._over = True
        for actor in self._actors:
            if actor.thread.is_alive():
                actor.baton.release()
                actor.thread.join()

    # --- the baton

    def _push(self, when: float, call: Callable[[], Actor | None]) -> None:
        heapq.heappush(self._due, (when, next(self._order), call))

    def _stop(self) -> None:
        self._over = True

    def _pass_on(self, holder: Actor | None = None) -> bool:
        """Let what is due next happen; return whether that is the holder's own next move."""
        self._over = False
        while not self._over and not self.failure:
            when, _, call = heapq.heappop(self._due)
            self.time = max(self.time, when)
            actor = call()
            if actor is not None:
                if actor is holder:
                    return True
                actor.take_over()
                return False
        self._home.release()
        return False

    def yield_baton(self, actor: Actor) -> None:
        """Let others move until it is this actor's turn."""
        if not self._pass_on(actor):
            actor.baton.acquire()
            if self._over:
                raise Curtain

    def left(self, failure: BaseException | None) -> None:
        """Go on without an actor who has come to the end."""
        if self._over:
            return
        self.failure = self.failure or failure
        self._pass_on()


class Actor:
    """One thread of the play."""

    def __init__(self, stage: Stage, play: Callable[[Actor], None]) -> None:
        self._stage = stage
        self._play = play
        self._call = 0
        self.baton = threading.Semaphore(0)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.wait_until(self._stage.time + max(0.0, seconds))

    def wait_until(self, when: float) -> None:
        """Wait, or until somebody calls for an earlier time."""
        self.call_at(when)
        self._stage.yield_baton(self)

    def call_at(self, when: float) -> None:
        """Set when this actor moves next; what was set before counts no more."""
        self._call += 1
        number = self._call
        self._stage._push(when, lambda: self if number == self._call else None)

    def take_over(self) -> None:
        """Give this actor the baton."""
        if self.thread.ident is None:
            self.thread.start()
        else:
            self.baton.release()

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            self._play(self)
        except Curtain:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised where the play was begun
            failure = error
        self._stage.left(failure)


class Clock:
    """Time and chance of one device; its machine's clocks are right."""

    def __init__(self, stage: Stage, random: Random) -> None:
        self._stage = stage
        self._random = random
        self.actor: Actor | None = None

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._stage.now()

    def monotonic(self) -> float:
        """Return seconds since the play began."""
        return self._stage.time

    def sleep(self, seconds: float) -> None:
        """Wait while others move."""
        if self.actor:
            self.actor.sleep(seconds)

    def jitter(self) -> float:
        """Return a random number from 0 up to 1."""
        return self._random.random()

    def random_bytes(self, count: int) -> bytes:
        """Return bytes of the play's own chance."""
        return self._random.randbytes(count)
