#!/bin/bash
# namespace.sh USER FOLDER [PATH...]: a user's systemd on a machine that need not run systemd.
#
# Needs root. In namespaces of its own (mounts, processes, cgroups), so that nothing of the machine
# is touched, it starts a journald and `systemd --user` for USER, and writes "ready" into
# FOLDER/state once the manager has come up. It ends with its standard input. Each PATH is made
# visible for USER, wherever it lies. USER's home is FOLDER/home. With JAILED=1 there are no user
# namespaces for USER.
set -euo pipefail

if [ "$1" != inside ]; then
    mounted=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
    group=$mounted$(sed -n 's/^0:://p' /proc/self/cgroup)
    group=${group%/}/memory-sync-test.$$
    mkdir "$group"
    echo $$ > "$group/cgroup.procs"
    status=0
    unshare --mount --pid --ipc --cgroup --fork --kill-child --propagation private \
        "$BASH" "$0" inside "$@" || status=$?
    # The group is empty once the kernel has put away what was in it.
    echo $$ > "${group%/*}/cgroup.procs"
    for _ in {1..100}; do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
        sleep 0.05
    done
    exit $status
fi

user=$2 folder=$3
shift 3
uid=$(id -u "$user") gid=$(id -g "$user")
runtime=/run/user/$uid

# What USER is to see is put aside, the folders on the way that it cannot enter are replaced by
# empty ones, and it is put back.
aside=$folder/aside
hidden() { # the first folder on the way to $1 that others cannot enter
    local way="" part parts
    IFS=/ read -ra parts <<< "${1#/}"
    for part in "${parts[@]}"; do
        way+=/$part
        [ -n "$(find "$way" -maxdepth 0 -type d ! -perm -o=x)" ] && { echo "$way"; return; }
    done
    return 0
}
number=0
for path in "$@"; do
    mkdir -p "$aside/$number"
    mount --rbind "$path" "$aside/$number"
    number=$((number + 1))
done
for path in "$@"; do
    closed=$(hidden "$path")
    [ -z "$closed" ] || mount -t tmpfs -o mode=755 none "$closed"
done
number=0
for path in "$@"; do
    [ -e "$path" ] || { mkdir -p "$path" && mount --rbind "$aside/$number" "$path"; }
    number=$((number + 1))
done

mount -t proc none /proc
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /var/log
mount -t cgroup2 none /sys/fs/cgroup
# The system manager makes unit-root: on it a unit with mounts of its own is put together.
mkdir -p /run/systemd/{system,journal,unit-root} /run/user /run/lock /var/log/journal
# And these stand where a unit is to find nothing.
mkdir -p /run/systemd/inaccessible/dir
touch /run/systemd/inaccessible/reg
mkfifo /run/systemd/inaccessible/fifo
mknod /run/systemd/inaccessible/chr c 0 0
mknod /run/systemd/inaccessible/blk b 0 0
chmod -R 0 /run/systemd/inaccessible/*
mkdir -p /var/lib/systemd
mount -t tmpfs -o mode=755 none /var/lib/systemd
touch /run/systemd/journal/flushed
install -d -m 700 -o "$uid" -g "$gid" "$runtime" "$folder/home"

own=/sys/fs/cgroup/user.slice/user-$uid.slice/user@$uid.service
mkdir -p "$own/init.scope" /sys/fs/cgroup/system.slice/journald.service
mkdir -p /sys/fs/cgroup/system.slice/rest
echo $$ > /sys/fs/cgroup/system.slice/rest/cgroup.procs
chown -R "$uid:$gid" "$own"

(
    echo "$BASHPID" > /sys/fs/cgroup/system.slice/journald.service/cgroup.procs
    exec /lib/systemd/systemd-journald
) > "$folder/journald.log" 2>&1 &

jail=()
if [ -n "${JAILED-}" ]; then
    # The kernel gives no user namespace to who lives in a chroot, whatever is in it.
    mkdir -p "$folder/jail"
    mount --rbind / "$folder/jail"
    jail=(chroot "$folder/jail")
fi
(
    echo "$BASHPID" > "$own/init.scope/cgroup.procs"
    cd /
    exec "${jail[@]}" setpriv --reuid "$uid" --regid "$gid" --init-groups \
        env -i PATH="${BOOT_PATH:-/usr/local/bin:/usr/bin:/bin}" HOME="$folder/home" \
        USER="$user" LOGNAME="$user" SHELL=/bin/sh LANG="${BOOT_LANG:-C.UTF-8}" \
        XDG_RUNTIME_DIR="$runtime" DBUS_SESSION_BUS_ADDRESS="unix:path=$runtime/bus" \
        /lib/systemd/systemd --user --log-target=journal
) > "$folder/manager.log" 2>&1 &
manager=$!

for _ in {1..250}; do
    [ -S "$runtime/systemd/private" ] && [ -S "$runtime/bus" ] && break
    kill -0 $manager
    sleep 0.04
done
echo ready > "$folder/state"
cat > /dev/null
kill -s RTMIN+24 $manager   # what `systemctl --user exit` does: units end in order
for _ in {1..250}; do
    kill -0 $manager 2>/dev/null || break
    sleep 0.02
done
