#!/bin/bash
# holder.sh WORK ROOT TUNNEL NETWORK: first process of the namespaces. Their root is an overlay over the
# machine's own, with changes in memory; then it waits to be ended, and the kernel ends whatever else is inside.
#
# WORK/over lies over the machine's files; ROOT is where the overlay is put together. TUNNEL is Mailcow's
# published address, NETWORK the first three numbers of the containers'.
set -euo pipefail
work=$1 root=$2 tunnel=$3 network=$4

bind() { # SOURCE PLACE
    mkdir -p "$(dirname ".$2")"
    if [ -d "$1" ]; then mkdir -p ".$2"; else touch ".$2"; fi
    mount --bind "$1" ".$2"
}

devices() { # Postfix logs to /dev/log, which must not be the machine's
    mount -t tmpfs -o mode=755 none dev
    for name in null zero full random urandom tty; do bind "/dev/$name" "/dev/$name"; done
    touch dev/console # Dovecot's entrypoint changes its mode
    mkdir -m 1777 dev/shm
    ln -s /proc/self/fd dev/fd
    ln -s /proc/self/fd/0 dev/stdin
    ln -s /proc/self/fd/1 dev/stdout
    ln -s /proc/self/fd/2 dev/stderr
}

networks() {
    ip link set lo up
    # The first is the bridge's gateway, the others are the containers'.
    for host in 1 2 3 4 5 10 248 249 250 253 254; do ip address add "$network.$host/24" dev lo; done
    # Calls of the machine itself to published ports come from the bridge's gateway, as with Docker. A local route, and
    # no address of an interface: mynetworks_style=subnet trusts every assigned one.
    ip route add local "$tunnel/32" dev lo src "$network.1"
}

umask 022
mount --make-rprivate /
mkdir -p "$root"
mount -t tmpfs -o mode=755 none "$root"
mkdir "$root"/{upper,work,merged}
mount -t overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" overlay "$root/merged"
cd "$root/merged"
rm -f etc/resolv.conf
cp -a "$work/over/." .
mount -t proc proc proc
mount -t sysfs sys sys
devices
mount -t tmpfs -o mode=755 none run
mkdir -p run/mysqld run/php run/lock
bind "$work" "$work" # what changes there is seen inside
networks
mkdir -p .old
pivot_root . .old
cd /
umount -l /.old
echo up
trap 'exit 0' TERM
sleep infinity &
wait
