"""Faults against statements 47, 49, 50 and 56 to 69: batches, what is sent, watching, files."""

from __future__ import annotations

from tests.breakers.fault import Fault

FSEVENTS = "tests/daemon/test_fsevents.py"
SCHEDULE = "tests/daemon/test_schedule.py"
CHANGES = "tests/engine/test_changes.py"
NAMES = "tests/engine/test_names.py"
RENAMES = "tests/engine/test_renames.py"
SENT = "tests/engine/test_sent.py"
TRUST = "tests/engine/test_trust.py"
DISK = "tests/files/test_disk.py"
LOCAL_TREE = "tests/files/test_local_tree.py"

FAULTS = (
    Fault(  # the debounce runs from the first save, not from the last one
        47,
        "daemon/schedule.py",
        "quiet = self._last_change + self._timing.debounce * self._stretch\n",
        "quiet = self._first_change + self._timing.debounce * self._stretch\n",
        (f"{SCHEDULE}::test_i47_a_burst_of_saves_waits_for_quiet",),
    ),
    Fault(  # the encoder is not told which parts the vault has
        49,
        "engine/push.py",
        "known=known[1].parts if known else (),\n",
        "known=(),\n",
        (f"{SENT}::test_i49_what_did_not_change_is_neither_encrypted_nor_sent_again",),
    ),
    Fault(  # an object that cannot be read is passed over, so its file looks deleted
        50,
        "engine/planning.py",
        "if looked.holds(path) or path in errors)\n",
        "if looked.holds(path))\n",
        (f"{TRUST}::test_i50_an_object_that_does_not_decrypt_touches_nothing",),
    ),
    Fault(  # a file that is gone since its folder was listed counts as deleted
        56,
        "ports/look.py",
        "        except OSError as error:\n            # Gone since it was listed",
        "        except FileNotFoundError:\n            return\n"
        "        except OSError as error:\n            # Gone since it was listed",
        (f"{SENT}::test_i56_a_save_that_is_under_way_is_no_delete",),
    ),
    Fault(  # each poll puts the full look off
        57,
        "daemon/schedule.py",
        "        if turn.look:\n            self._scan_due = now + self._timing.scan\n",
        "        self._scan_due = now + self._timing.scan\n        if turn.look:\n",
        (f"{SCHEDULE}::test_i57_idle_only_polls_but_looks_once_in_a_scan_interval",),
    ),
    Fault(  # whatever keeps a root from being watched is taken for a folder that is not there
        58,
        "daemon/watch.py",
        "            if error.errno in ABSENT:\n",
        "            if error.errno:\n",
        (f"{FSEVENTS}::test_i58_a_stream_that_does_not_start_makes_the_root_polled",),
    ),
    Fault(  # no base for what was written here: the next look will find both sides equal
        59,
        "engine/apply.py",
        "        self._done.base[action.path] = base_of(file)\n"
        "        self._done.down.append(action.path)\n",
        "        self._done.down.append(action.path)\n",
        (f"{SENT}::test_i59_an_edit_right_after_a_remote_change_is_kept_and_uploaded",),
    ),
    Fault(  # that a file changed while it was read is told by its size alone
        60,
        "ports/handles.py",
        " or _stamp(before) != _stamp(after):\n",
        ":\n",
        (f"{DISK}::test_i60_a_torn_read_is_never_shown",),
    ),
    Fault(  # the modification time alone tells that a file is as it was
        61,
        "ports/look.py",
        "            and glance.ctime_ns == seen.st_ctime_ns\n",
        "",
        (f"{SENT}::test_i61_what_was_done_while_nothing_ran_is_found",),
    ),
    Fault(  # versions are compared with their mode and time, and what differs goes up
        62,
        "engine/cycle.py",
        "        return uploads | applied.uploads, deletes\n",
        "        uploads |= {\n"
        "            path: version\n"
        "            for path, version in planned.looked.files.items()\n"
        "            if path in planned.remote and planned.remote[path].version != version\n"
        "        }\n"
        "        return uploads | applied.uploads, deletes\n",
        (f"{CHANGES}::test_i62_touch_and_chmod_cause_no_upload",),
    ),
    Fault(  # a look takes names as the disk spells them
        63,
        "ports/look.py",
        "path = prefix + names.composed(entry.name)\n",
        "path = prefix + entry.name\n",
        (f"{LOCAL_TREE}::test_i63_accents_are_one_path_however_they_are_encoded[disk]",),
    ),
    Fault(  # what the disk finds under a name is taken for the file of that name
        64,
        "ports/names.py",
        "    if here is not None and _inode(folder, part.swapcase()) != here:\n",
        "    if here is not None:\n",
        (f"{DISK}::test_i64_a_name_of_other_case_is_another_file",),
    ),
    Fault(  # the first file that cannot be written ends the pass
        65,
        "engine/apply.py",
        "            self._done.errors[action.path] = error\n",
        "            self._done.errors[action.path] = error\n            raise\n",
        (f"{NAMES}::test_i65_a_name_that_a_disk_cannot_hold_fails_alone",),
    ),
    Fault(  # folders on the way to a file are followed where they are links
        66,
        "ports/handles.py",
        "os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=parent)\n",
        "os.open(name, FOLDER, dir_fd=parent)\n",
        (f"{DISK}::test_i66_i67_a_linked_folder_is_held_as_a_whole",),
    ),
    Fault(  # a link is passed over in silence, so that all behind it looks deleted
        67,
        "ports/look.py",
        "            self._link(entry, path)\n            return\n",
        "            return\n",
        (f"{DISK}::test_i66_i67_a_linked_folder_is_held_as_a_whole",),
    ),
    Fault(  # in a conflict the newer file wins
        68,
        "engine/apply.py",
        "        version = self._looked.files[action.path]\n        if result.conflict:\n",
        "        version = self._looked.files[action.path]\n"
        "        if result.conflict and version.mtime > file.version.mtime:\n"
        "            result = Merged(mine, conflict=False)\n"
        "        if result.conflict:\n",
        (f"{RENAMES}::test_i68_a_wrong_clock_changes_nothing[1]",),
    ),
    Fault(  # a merge reads lines as text
        69,
        "sync/merge.py",
        'lines = content.split(b"\\n")\n',
        'lines = content.replace(b"\\r\\n", b"\\n").split(b"\\n")\n',
        (f"{SENT}::test_i69_a_merge_keeps_every_byte_of_a_line",),
    ),
)
