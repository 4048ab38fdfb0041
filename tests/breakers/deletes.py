"""Faults against statements 21 to 32: what must never become a delete."""

from __future__ import annotations

from tests.breakers.fault import Fault

BEGINNING = "tests/engine/test_beginning_anew.py"
CHANGES = "tests/engine/test_changes.py"
HALTS = "tests/engine/test_halts.py"
INTERRUPTIONS = "tests/engine/test_interruptions.py"
TRUST = "tests/engine/test_trust.py"
RACING = "tests/files/test_racing.py"
GUARDS = "tests/sync/test_guards.py"

FAULTS = (
    # What was seen of a root that was being unmounted counts as all that is there.
    Fault(
        21,
        "ports/disk.py",
        "            if marked:\n                self._still(root)\n",
        "            if marked:\n",
        (f"{HALTS}::test_i21_a_root_that_goes_in_the_middle_of_a_look_deletes_nothing",),
    ),
    # A marker that is missing is made again: an empty mount point becomes the root.
    Fault(
        22,
        "engine/local.py",
        "            root.files.lock()\n",
        "            root.files.adopt()\n            root.files.lock()\n",
        (f"{HALTS}::test_i21_i22_i23_a_root_that_is_gone_halts_alone_and_comes_back",),
    ),
    # A root is emptied in the vault only if the whole vault is.
    Fault(
        23,
        "sync/guards.py",
        "side.several <= count == len(gone_there) and not both",
        "side.several <= count and not side.remote",
        (f"{HALTS}::test_i23_a_root_that_the_vault_has_lost_is_not_emptied_here",),
    ),
    # What was renamed is looked for by its path, and so counts as deleted.
    Fault(
        24,
        "sync/guards.py",
        "if fresh[digest] > 0:",
        "if fresh[path] > 0:",
        (f"{GUARDS}::test_i24_a_rename_is_not_a_delete",),
    ),
    # More than ten, not ten or more.
    Fault(
        25,
        "sync/guards.py",
        "ALL <= count == len(changed | gone_here)",
        "ALL < count == len(changed | gone_here)",
        (f"{GUARDS}::test_i25_ten_or_more_that_all_changed_are_an_alarm",),
    ),
    # A file that cannot be read is left out of what was seen.
    Fault(
        26,
        "ports/look.py",
        "            self.held[path] = handles.read_error(error, self.bounds.shown(path))\n"
        "            return\n"
        "        self.glances",
        "            return\n        self.glances",
        (f"{HALTS}::test_i26_an_error_of_the_disk_is_no_delete",),
    ),
    # Any listing is believed that is not empty.
    Fault(
        27,
        "engine/look.py",
        "            if tree_id(top) == commit.tree:\n",
        "            if top:\n",
        (f"{TRUST}::test_i27_a_listing_that_leaves_files_out_is_not_believed[cut-short]",),
    ),
    # A file that is excluded from now on is missing from what was seen, and so deleted.
    Fault(
        28,
        "sync/plan.py",
        "(Kind.FORGET if was else None) if path in outside else decide(here, there, was)",
        "decide(here, there, was)",
        (
            f"{CHANGES}::test_i28_a_new_exclude_deletes_nothing_and_taking_it_away_unites[edited-here]",
        ),
    ),
    # A folder goes with all that is in it.
    Fault(
        29,
        "ports/handles.py",
        "                os.rmdir(name, dir_fd=above)\n",
        "                import shutil\n\n                shutil.rmtree(name, dir_fd=above)\n",
        (f"{CHANGES}::test_i29_ignored_files_stay_in_a_folder_that_was_deleted_elsewhere",),
    ),
    # The base of one folder is used for another that has the same root's marker.
    Fault(
        30,
        "engine/local.py",
        "        if before is not None:\n            kit.forget(root)\n",
        "",
        (f"{BEGINNING}::test_i30_beginning_anew_unites_and_deletes_nothing[_another_path]",),
    ),
    # What the vault does not have is sent there, also if it was deleted there.
    Fault(
        31,
        "sync/plan.py",
        "return Kind.DOWNLOAD if remote else Kind.DELETE_LOCAL",
        "return Kind.DOWNLOAD if remote else Kind.UPLOAD",
        (f"{INTERRUPTIONS}::test_i31_a_device_that_was_away_overwrites_nothing_newer",),
    ),
    # The bytes are compared before two names are traded, and not what the trade has brought.
    Fault(
        32,
        "ports/replace.py",
        "keep(displaced, verify(displaced, expect, limit))",
        "keep(displaced, None)",
        (f"{RACING}::test_i32_a_save_before_the_switch_wins",),
    ),
)
