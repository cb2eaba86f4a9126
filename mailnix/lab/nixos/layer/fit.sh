#!/bin/sh
# fit.sh ROOT BOOT: makes of a Debian root one that gives programs only. What Debian configures (units, rules, /etc) moves
# aside, to /usr/lib/debian, so that only NixOS's configuration is seen at run time; a few paths get the names that nixpkgs'
# packages have. Kernel and initrd come to BOOT.
set -eu
root=$1 boot=$2
lib=$root/usr/lib aside=$root/usr/lib/debian
mkdir -p "$aside" "$boot"

# The boot files, made while Debian's rules were in their place.
cp "$root"/boot/vmlinuz-* "$boot/vmlinuz"
cp "$root"/boot/initrd.img-* "$boot/initrd"
cp "$root"/boot/config-* "$aside/kernel-config"
rm -rf "${root:?}"/boot/*

# What Debian configures.
cp -a "$root/etc" "$lib/debian-etc"
for d in systemd/system systemd/user tmpfiles.d sysctl.d sysusers.d udev/rules.d; do
  mkdir -p "$(dirname "$aside/$d")"
  if [ -d "$lib/$d" ]; then mv "$lib/$d" "$aside/$d"; else mkdir "$aside/$d"; fi
done
for d in systemd/system systemd/user udev/rules.d tmpfiles.d sysctl.d; do
  rm -rf "${lib:?}/debian-etc/$d"
  mkdir -p "$lib/debian-etc/$d"
done

# What Debian's packages hold, for stub.sh (dpkg's own data base is not in the guest).
mkdir "$aside/lists"
for list in "$root"/var/lib/dpkg/info/*.list; do
  package=$(basename "$list" .list)
  cp "$list" "$aside/lists/${package%%:*}"
done

# systemd's own udev rules are compiled into nixpkgs' udevd as they are into Debian's: they stay.
mkdir -p "$lib/udev/rules.d"
grep -h '/udev/rules.d/.*\.rules$' "$aside/lists/udev" "$aside/lists/systemd" | sed 's|.*/||' | sort -u | while read -r rule; do
  cp "$aside/udev/rules.d/$rule" "$lib/udev/rules.d/"
done

# What a package of nixpkgs has in bin, Debian has in bin or sbin.
mkdir "$aside/bin"
for d in sbin bin; do
  for program in "$root/usr/$d"/*; do ln -sfn "/usr/$d/${program##*/}" "$aside/bin/${program##*/}"; done
done

# Names of nixpkgs' packages; and what Debian's programs were compiled to read from /etc.
ln -sfn x86_64-linux-gnu/security "$lib/security"
ln -sfn openssh/sftp-server "$lib/sftp-server"
ln -sfn ca-certificates.crt "$lib/debian-etc/ssl/certs/ca-bundle.crt"
ln -sfn /usr/lib/debian-etc/ssl/openssl.cnf "$lib/ssl/openssl.cnf"

mkdir -p "$root/nix/store" "$root/nix/var" "$root/tmp"
