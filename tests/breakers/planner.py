"""Faults against statements 1 to 20: the planner, merges and conflicts."""

from __future__ import annotations

from tests.breakers.fault import Fault

PLAN = "tests/sync/test_plan.py"
MERGE = "tests/sync/test_merge.py"
CHANGES = "tests/engine/test_changes.py"
COPIES = "tests/engine/test_conflict_copies.py"
RENAMES = "tests/engine/test_renames.py"
EACH_ITS_WAY = "[both are kept-the copy is taken over]"
SEEDS = f"{PLAN}::test_i1_i2_i3_i4_i8_i13_hold_for_many_seeds"

FAULTS = (
    # What is equal is recorded ever again.
    Fault(
        1,
        "sync/plan.py",
        "        if local == base:\n            return None\n",
        "",
        (SEEDS,),
    ),
    # What both sides deleted is nothing to do: the base keeps it.
    Fault(
        2,
        "sync/plan.py",
        "return Kind.RECORD if local else Kind.FORGET",
        "return Kind.RECORD if local else None",
        (SEEDS,),
    ),
    # A merge goes up by an action of its own, which may come before the merge.
    Fault(
        3,
        "sync/plan.py",
        "            actions.append(Action(path, kind, here, there, was))\n",
        "            actions.append(Action(path, kind, here, there, was))\n"
        "        if kind is Kind.MERGE:\n"
        "            actions.append(Action(path, Kind.UPLOAD, here, there, was))\n",
        (f"{PLAN}::test_i3_the_order_of_the_actions_changes_nothing",),
    ),
    # A conflict copy that meets another one at its name is taken for the copy of itself.
    Fault(
        4,
        "engine/copies.py",
        "if any(place != copy and digest == version.digest for place, digest in copies.items()):",
        "if version.digest in copies.values():",
        (f"{COPIES}::test_i4_two_conflict_copies_that_meet_at_one_name_both_stay",),
    ),
    # The plan has the order in which the trees were built.
    Fault(
        5,
        "sync/plan.py",
        "for path in sorted(local.keys() | remote.keys() | base.keys()):",
        "for path in {**local, **remote, **base}:",
        (f"{PLAN}::test_i5_many_seeds_give_the_same_plan",),
    ),
    # The newer file wins.
    Fault(
        6,
        "engine/apply.py",
        "        content = self._content(action.path, file)\n        self._kit",
        "        mine = self._looked.files.get(action.path)\n"
        "        if mine and mine.mtime > file.version.mtime:\n"
        "            return\n"
        "        content = self._content(action.path, file)\n        self._kit",
        (f"{CHANGES}::test_i6_a_change_on_one_side_wins_with_an_older_time",),
    ),
    # What both sides have alike is nothing to do: the base stays behind.
    Fault(
        7,
        "sync/plan.py",
        "return Kind.RECORD if local else Kind.FORGET",
        "return None if local else Kind.FORGET",
        (f"{CHANGES}::test_i7_equal_changes_on_both_sides_move_nothing",),
    ),
    # What is gone from the vault goes here, edited or not.
    Fault(
        8,
        "sync/plan.py",
        "    if remote is None:\n        return Kind.UPLOAD\n",
        "    if remote is None:\n        return Kind.DELETE_LOCAL\n",
        (f"{CHANGES}::test_i8_an_edit_survives_a_delete[False]",),
    ),
    # The row of what both sides deleted stays in the database.
    Fault(
        9,
        "engine/cycle.py",
        "        rows |= dict.fromkeys(action.path for action in forgotten)\n",
        "",
        (f"{CHANGES}::test_i9_delete_against_delete_is_nothing",),
    ),
    # A folder goes with its last synced file, whatever else is in it.
    Fault(
        10,
        "ports/handles.py",
        "                os.rmdir(name, dir_fd=above)\n",
        "                import shutil\n\n                shutil.rmtree(name, dir_fd=above)\n",
        (f"{RENAMES}::test_i10_a_file_added_to_a_folder_that_is_deleted_elsewhere_survives",),
    ),
    # A folder makes room for a file, with all that is in it.
    Fault(
        11,
        "ports/replace.py",
        "    if seen := spot.look():\n        raise _in_place(spot, seen)\n",
        "    if seen := spot.look():\n"
        "        if not stat.S_ISDIR(seen.st_mode):\n"
        "            raise _in_place(spot, seen)\n"
        "        import shutil\n\n"
        "        shutil.rmtree(spot.name, dir_fd=spot.folder)\n",
        (f"{RENAMES}::test_i11_a_folder_turned_file_against_an_edit_in_it_loses_nothing[turner]",),
    ),
    # The old name of a renamed file is deleted, whoever has edited it since.
    Fault(
        12,
        "sync/plan.py",
        "    if local is None:\n        return Kind.DOWNLOAD\n",
        "    if local is None:\n        return Kind.DELETE_REMOTE\n",
        (f"{RENAMES}::test_i12_a_rename_against_an_edit_keeps_the_edit[editor]",),
    ),
    # A device that has files and no base is taken to have had all that the vault has.
    Fault(
        13,
        "engine/planning.py",
        "for path, file in kit.state.base().items()}\n",
        "for path, file in kit.state.base().items()}\n"
        "    if local_tree and not base_tree:\n"
        "        base_tree = dict(remote_tree)\n",
        ("tests/engine/test_interruptions.py::test_i13_without_a_base_both_sides_are_united",),
    ),
    # The base takes any text for a digest.
    Fault(
        14,
        "ports/schema.py",
        "    CREATE TABLE base (\n"
        "        path TEXT PRIMARY KEY CHECK (path LIKE '_%/_%'),\n"
        "        digest TEXT NOT NULL CHECK (length(digest) = 64),\n",
        "    CREATE TABLE base (\n"
        "        path TEXT PRIMARY KEY CHECK (path LIKE '_%/_%'),\n"
        "        digest TEXT NOT NULL,\n",
        ("tests/ports/test_state.py::test_i14_a_base_is_stored_whole_or_not_at_all",),
    ),
    # Lines that both sides changed are a conflict, also where one of them agrees with the other.
    Fault(
        15,
        "sync/merge.py",
        "lines, agreed = _settled(old, ours, theirs)",
        "lines, agreed = theirs, False",
        (f"{COPIES}::test_i15_two_devices_that_resolve_one_conflict_end_the_same{EACH_ITS_WAY}",),
    ),
    # What is in the vault's history already is kept once more.
    Fault(
        16,
        "engine/copies.py",
        "    if not writer and root != CONFLICTS and kit.state.in_history(version.digest, path):\n"
        "        return None  # it was in a commit once, and stays in the history\n",
        "",
        (f"{COPIES}::test_i16_a_content_that_is_in_history_gets_no_copy",),
    ),
    # A cycle ends with a commit, also if it has nothing to say.
    Fault(
        17,
        "engine/push.py",
        "        if batch.encoded or batch.deletes or self._readme_missing():\n",
        "        if batch:\n",
        (f"{CHANGES}::test_i17_after_a_conflict_idle_cycles_make_nothing",),
    ),
    # Where both changed one line the vault's wins, and nobody is told.
    Fault(
        18,
        "sync/merge.py",
        "else (theirs, False)",
        "else (theirs, True)",
        (f"{MERGE}::test_i18_what_overlaps_is_a_conflict_without_markers",),
    ),
    # The trash has a copy: what is written into the old file goes nowhere.
    Fault(
        19,
        "ports/trash.py",
        "                new = _move(spot.folder, spot.name, target, _stem(stamp, record))\n",
        "                _copy(spot, target, stamp)\n"
        "                os.unlink(spot.name, dir_fd=spot.folder)\n"
        "                new = _stem(stamp, record)\n",
        ("tests/files/test_trash.py::test_i19_what_an_agent_goes_on_writing_is_in_the_trash",),
    ),
    # The first path that fails ends the cycle for those after it.
    Fault(
        20,
        "engine/apply.py",
        "            self._done.errors[action.path] = error\n",
        "            self._done.errors[action.path] = error\n            raise\n",
        ("tests/engine/test_halts.py::test_i20_a_path_that_cannot_be_written_delays_no_other",),
    ),
)
