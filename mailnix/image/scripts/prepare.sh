# Run by mmdebstrap once the essential packages are there, before the kernel comes: $1 is the root.
# What is written here decides how the kernel's initramfs is made, so that it is made once.
set -eu
root=$1
mkdir -p "$root/etc/initramfs-tools/conf.d"
cat > "$root/etc/initramfs-tools/conf.d/mailnix" <<'END'
# A small initramfs: the disks that machines boot from, and ext4. Less to read before the kernel starts.
MODULES=list
COMPRESS=zstd
COMPRESSLEVEL=3
END
cat > "$root/etc/initramfs-tools/modules" <<'END'
# Root disks of virtual machines: QEMU, Xen, Hyper-V, VMware, and what they emulate.
virtio_pci
virtio_blk
virtio_scsi
xen-blkfront
hv_storvsc
hv_vmbus
vmw_pvscsi
mptspi
ata_piix
# Root disks of real machines.
ahci
nvme
sd_mod
uas
usb_storage
xhci_pci
ehci_pci
sdhci_pci
mmc_block
megaraid_sas
mpt3sas
# The root file system.
ext4
crc32c_generic
crc32c_intel
END
