# Run by mmdebstrap once the essential packages are there, before the kernel comes: $1 is the root.
# What is written here decides how the kernel's initramfs is made, so that it is made once.
set -eu
root=$1
mkdir -p "$root/etc/initramfs-tools/conf.d" "$root/etc/initramfs-tools/hooks"
cat > "$root/etc/initramfs-tools/conf.d/mailnix" <<'END'
# Every disk that a machine may boot from (hooks/mailnix), and nothing else of what MODULES=most brings: network cards,
# keyboards and screens are for the root file system. Half of its size, which a boot reads before the kernel starts.
MODULES=list
COMPRESS=zstd
COMPRESSLEVEL=3
END
cat > "$root/etc/initramfs-tools/hooks/mailnix" <<'END'
#!/bin/sh
# The classes of drivers of initramfs-tools' own MODULES=most that disks are reached by.
[ "${1-}" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
# Where clocks, buses and power are drivers, too (ARM), disks need more than their own.
base=
[ "$(dpkg --print-architecture)" = amd64 ] || base=base
auto_add_modules $base scsi block ata mmc usb_storage
copy_modules_dir kernel/drivers/usb/host
END
chmod 755 "$root/etc/initramfs-tools/hooks/mailnix"
cat > "$root/etc/initramfs-tools/modules" <<'END'
# What those stand on and do not name.
virtio_pci
hv_vmbus
# The root file system.
ext4
crc32c_generic
crc32c_intel
END
