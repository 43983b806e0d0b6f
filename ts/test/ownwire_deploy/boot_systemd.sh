#!/usr/bin/env bash
# Debian's systemd as process 1 of namespaces of its own, with the unit of OwnWire as all that it starts. Used by
# systemd.test.mjs, inside the namespaces of tools/test-ownwire-deploy.
#
#   boot_systemd.sh <name of a control group to make>
set -euo pipefail
group=$1

if [ "$group" = --inside ]; then
  # Control groups as this namespace sees them, with ours as the root.
  if [ -d /sys/fs/cgroup/unified ]; then
    mount -t tmpfs -o mode=755 cgroups /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
    mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
  else
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
  fi
  export container=ownwire-test
  exec /lib/systemd/systemd --system --unit=ownwire-test.target --log-target=console --show-status=no
fi

# A target that wants the unit, and nothing of the rest of a system: no devices, no file systems, no logins.
mkdir -p /run/systemd/system/ownwire.service.d
printf '[Unit]\nDescription=OwnWire and nothing else\nWants=ownwire.service\n' >/run/systemd/system/ownwire-test.target
printf '[Unit]\nDefaultDependencies=no\n[Service]\nStandardOutput=file:/run/ownwire.out\nStandardError=file:/run/ownwire.err\n' \
  >/run/systemd/system/ownwire.service.d/test.conf
for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  [ -e "$hierarchy/cgroup.procs" ] || continue
  mkdir -p "$hierarchy/$group"
  echo $$ >"$hierarchy/$group/cgroup.procs"
done
exec unshare --mount --pid --cgroup --ipc --uts --fork --kill-child --mount-proc "$0" --inside
