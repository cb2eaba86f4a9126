# $1 a folder with root.tar and `out`; $2 where packages lie in that root; $3 bytes that stay free on the server's disk.
# Runs as root, or in a user namespace where the root's files look as if root owned them.
set -eu
work=$1 archive=$2 slack=$3 out=$1/out
root=$work/root
mkdir "$root"
tar -C "$root" --numeric-owner --exclude='./dev/*' -xpf "$work/root.tar"
mv "$root$archive" "$work/archive"
rm -rf "$work/archive/partial" "$work/archive/lock"
(
    cd "$work/archive"
    apt-ftparchive packages . > Packages
    apt-ftparchive release . > Release.made
    mv Release.made Release
)
: > "$root/etc/machine-id"
rm -f "$root/etc/hostname" "$root/etc/apt/sources.list.d/"* "$root"/var/cache/apt/*.bin
rm -rf "$root"/var/lib/apt/lists/* "$root"/tmp/*
echo "/dev/vda / ext4 errors=remount-ro,x-systemd.growfs 0 1" > "$root/etc/fstab"
cp -L "$root/vmlinuz" "$out/vmlinuz"
cp -L "$root/initrd.img" "$out/initrd.img"
chmod 0644 "$out/vmlinuz" "$out/initrd.img"
disk() { # disk FOLDER FILE BYTES-MORE
    used=$(du -s --block-size=1 "$1" | cut -f1)
    mkfs.ext4 -q -F -b 4096 -m 0 -E root_owner=0:0 -d "$1" "$2" "$(((used + used / 8 + $3) / 4096))"
}
disk "$root" "$out/server.raw" "$slack"
disk "$work/archive" "$out/archive.raw" 33554432
rm -rf "$root" "$work/archive" "$work/root.tar"
