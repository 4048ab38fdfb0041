"""Faults against statements 33 to 39: kills, power cuts, full disks and broken databases."""

from __future__ import annotations

from tests.breakers.fault import Fault

LOCK = "tests/daemon/test_lock.py"
INTERRUPTIONS = "tests/engine/test_interruptions.py"
DISK = "tests/files/test_disk.py"
STATE = "tests/ports/test_state.py"
FOLDER = "tests/remotes/test_folder.py"

FAULTS = (
    # A merge that was written and not yet recorded is merged once more.
    Fault(
        33,
        "engine/apply.py",
        "            self._kit.state.note_merge(action.path, digest, base_of(file))\n",
        "",
        (f"{INTERRUPTIONS}::test_i33_a_merge_that_was_not_recorded_is_not_made_again",),
    ),
    # The old file goes to the trash before the new one has its name.
    Fault(
        34,
        "ports/replace.py",
        "        traded = switch.exchange(spot.folder, fresh, spot.name)\n"
        "        if not traded:\n"
        "            _rename_over(spot, fresh, expect=expect, limit=limit, keep=keep)\n",
        "        traded = False\n"
        "        keep(spot, verify(spot, expect, limit))\n"
        "        switch.rename_new(spot.folder, fresh, spot.folder, spot.name)\n",
        (f"{DISK}::test_i34_at_every_step_of_a_write_the_file_is_old_or_new[exchange]",),
    ),
    # The base is recorded before the files are written.
    Fault(
        35,
        "engine/cycle.py",
        "        applied = Applied()\n        actions = planned",
        "        early = planned.plan.of(Kind.DOWNLOAD)\n"
        "        self._kit.state.save_base(\n"
        "            {action.path: base_of(planned.remote[action.path]) for action in early}\n"
        "        )\n"
        "        applied = Applied()\n"
        "        actions = planned",
        (f"{INTERRUPTIONS}::test_i35_a_file_that_a_power_cut_left_empty_is_fetched_again",),
    ),
    # A write that took only a part of the content, as the last one on a full disk, is not noticed.
    Fault(
        36,
        "ports/handles.py",
        "            while view:\n                view = view[stream.write(view) or 0 :]\n",
        "            stream.write(view)\n",
        (f"{DISK}::test_i36_a_full_disk_cuts_nothing_short",),
    ),
    # Any error of the database means that it is corrupt.
    Fault(
        37,
        "ports/state.py",
        "        except sqlite3.OperationalError as error:\n"
        "            raise _translated(error, path) from None\n"
        "        except OSError as error:\n",
        "        except OSError as error:\n",
        (f"{STATE}::test_i37_a_database_that_others_have_locked_is_not_set_aside",),
    ),
    # A home is taken if a process is named in the file, alive or dead.
    Fault(
        38,
        "daemon/supervisor.py",
        "        if not take_lock(file.fileno()):\n",
        "        if os.path.getsize(path):\n",
        (f"{LOCK}::test_i38_the_lock_of_a_home_dies_with_its_process",),
    ),
    # The branch moves to a commit whose objects are still to be written.
    Fault(
        39,
        "ports/folder.py",
        '            write_objects(self._path / "objects", (*blobs.values(), *trees, commit))\n'
        "            branch.move(parent, commit.id)\n",
        "            branch.move(parent, commit.id)\n"
        '            write_objects(self._path / "objects", (*blobs.values(), *trees, commit))\n',
        (f"{FOLDER}::test_i39_a_commit_killed_at_any_step_leaves_the_remote_whole[1]",),
    ),
)
