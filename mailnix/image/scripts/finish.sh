# Turns a root (a directory) into an ext4 file system inside a disk image, without mounting anything.
# $1 root, $2 folder for what comes out, $3 file system UUID, $4 offset of the partition and $5 free space, both in bytes,
# $6 a folder that becomes /usr/lib/haraka, or nothing.
# Runs as root, or in a user namespace where the root's files look as if root owned them.
set -eu
root=$1 out=$2 uuid=$3 offset=$4 slack=$5 haraka=$6
: > "$root/etc/machine-id"
if [ -n "$haraka" ]; then
    mv "$haraka" "$root/usr/lib/haraka"
    chown -R 0:0 "$root/usr/lib/haraka"
    chmod -R u=rwX,go=rX "$root/usr/lib/haraka" # whatever the umask was
fi
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/tmp/* "$root/etc/hostname"
ln -sfn ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
# Nothing to update: without these, systemd rebuilds the linker cache and the message catalog at the first boot.
touch "$root/etc/.updated" "$root/var/.updated"
cp -L "$root"/usr/lib/mailnix/boot/* "$root/usr/lib/mailnix/packages" "$out/"
find "$root" -xdev -mindepth 1 -printf '%y /%P\0' > "$out/listing"
used=$(du -s --block-size=1 "$root" | cut -f1)
blocks=$(( (used + used / 16 + slack) / 4096 ))
mkfs.ext4 -q -F -b 4096 -m 1 -J size=64 -O '^orphan_file,^metadata_csum_seed' -L mailnix -U "$uuid" \
    -E "offset=$offset,root_owner=0:0,assume_storage_prezeroed=1,hash_seed=$uuid" -d "$root" "$out/disk.raw" "$blocks"
echo "$((blocks * 4096))" > "$out/root-bytes"
