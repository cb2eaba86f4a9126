#!/bin/sh
# disk.sh ROOT WORK DISK SIZE TOP PATH...: an ext4 disk of Debian's /usr and the closure PATH...; /etc and /var are NixOS's to
# fill. TOP is the toplevel that the system profile leads to; WORK, a folder that is not there yet, on the file system of ROOT.
set -eu
root=$1 work=$2 disk=$3 size=$4 top=$5
shift 5
for d in etc var root home tmp proc sys dev run mnt boot nix/store nix/var/nix/profiles; do mkdir -p "$work/$d"; done
chmod 1777 "$work/tmp"
chmod 700 "$work/root"
cp -al "$root/usr" "$work/usr"
for d in bin sbin lib lib64; do cp -a "$root/$d" "$work/"; done # links into /usr
# The compiler stays at home, and what nobody reads.
for d in share/doc share/man share/locale lib/gcc libexec/gcc include lib/debian/kernel-config; do rm -rf "${work:?}/usr/$d"; done
cp -a "$root/etc/alternatives" "$root"/etc/ld.so.* "$work/etc/"
for path; do printf '%s\0' "$root$path"; done | xargs -0 cp -a -t "$work/nix/store"
ln -s "$top" "$work/nix/var/nix/profiles/system"
truncate -s "$size" "$disk"
mkfs.ext4 -q -F -m 0 -d "$work" "$disk"
