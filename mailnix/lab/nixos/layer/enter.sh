#!/bin/sh
# enter.sh ROOT FOLDER DIRS COMMAND...: runs a command of ROOT in FOLDER, with DIRS (one a line) visible there under their own
# paths. In a mount namespace of its own (unshare --mount): nothing stays mounted, however it ends.
set -eu
root=$1 folder=$2 dirs=$3
shift 3
mount --bind "$root" "$root"
# Builders' root is ours: what machines get as /usr is not theirs to write.
mount --bind "$root/usr" "$root/usr"
mount -o remount,bind,ro "$root/usr"
for d in /proc /dev; do mount --rbind "$d" "$root$d"; done
printf '%s\n' "$dirs" | while read -r d; do
  mkdir -p "$root$d"
  mount --bind "$d" "$root$d"
done
# Not chroot: who is in one may make no user namespace (user_namespaces(7)), and so no sandbox.
mkdir -p "$root/old"
cd "$root"
pivot_root . old
umount -l /old
cd "$folder"
exec env -i PATH=/usr/bin:/usr/sbin HOME=/root LANG=C.UTF-8 NIX_PATH= NIX_CONFIG="${NIX_CONFIG:-}" "$@"
