"""`doctor` and the service, on a real `systemd --user`: each fix is typed as it is told."""

from __future__ import annotations

import shlex
from typing import Any

from tests.cli.person import until
from tests.service.user import UNIT, User


def row(user: User, name: str) -> dict[str, Any]:
    """Return the one row of a check."""
    (found,) = [
        one for one in user.ms("doctor", "--json").answer["data"]["checks"] if one["name"] == name
    ]
    return dict(found)


def mend(user: User, name: str) -> None:
    """Type the fix of a check that is not content, and see it content."""
    found = row(user, name)
    assert found["result"] == "warning", found
    program, *words = shlex.split(found["fix"])
    assert program == "memory-sync"
    user.ms(*words)
    until(lambda: row(user, name)["result"] == "ok")


def test_a_service_that_is_not_installed(anybody: User) -> None:
    """A warning for the service and for the daemon, and one command mends both."""
    assert row(anybody, "linger")["result"] == "skipped"
    assert row(anybody, "daemon")["fix"] == "memory-sync service install"
    mend(anybody, "service")
    assert row(anybody, "daemon")["result"] == "ok"
    assert row(anybody, "permissions")["result"] == "ok"


def test_a_unit_that_differs(nobody: User) -> None:
    """An older version's unit, or one that was changed by hand, is named with its path."""
    nobody.installs()
    unit = nobody.units / UNIT
    unit.write_text(unit.read_text() + "\n# by hand\n")
    assert str(unit) in row(nobody, "service")["detail"]
    mend(nobody, "service")


def test_a_service_that_is_stopped_or_off(nobody: User) -> None:
    """What does not run is started, what does not start with a login is installed anew."""
    nobody.installs()
    nobody.ms("service", "stop")
    assert row(nobody, "daemon")["fix"] == "memory-sync service start"
    mend(nobody, "service")
    nobody.boot.ctl("disable", UNIT)
    mend(nobody, "service")


def test_a_service_that_is_stuck(nobody: User) -> None:
    """A daemon that does not answer is an error, and the service is started anew."""
    nobody.installs()
    pid = str(nobody.pid())
    nobody.boot.run("kill", "-STOP", pid)
    ran = nobody.ms("doctor", "--json", status=6)
    (found,) = [one for one in ran.answer["data"]["checks"] if one["name"] == "daemon"]
    assert (found["result"], found["fix"]) == ("error", "memory-sync service restart")
    nobody.ms(*shlex.split(found["fix"])[1:])
    assert row(nobody, "daemon")["result"] == "ok"
    assert str(nobody.pid()) != pid


def test_a_broken_configuration_says_nothing_of_the_unit(nobody: User) -> None:
    """What would be written now is not known then: the unit is not called out of date."""
    nobody.installs()
    good = nobody.config.read_text()
    nobody.config.write_text(f"{good}\nnonsense\n")
    ran = nobody.ms("doctor", "--json", status=2)
    found = {one["name"]: one["result"] for one in ran.answer["data"]["checks"]}
    assert (found["configuration"], found["service"]) == ("error", "ok")
    nobody.config.write_text(good)
