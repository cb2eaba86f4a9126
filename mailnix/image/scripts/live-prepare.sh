# Run by mmdebstrap before the kernel comes: $1 is the root. What is written here decides how its initramfs is made,
# which is all of the system that an installing medium starts: initramfs-tools(7), mkinitramfs(8).
set -eu
root=$1
conf=$root/etc/initramfs-tools
mkdir -p "$conf/conf.d" "$conf/hooks" "$conf/scripts"
cat > "$conf/conf.d/mailnix" <<'END'
MODULES=list
BUSYBOX=y
COMPRESS=zstd
COMPRESSLEVEL=12
RESUME=none
END
cat > "$conf/hooks/mailnix" <<'END'
#!/bin/sh
# Of MODULES=most all but networks: disks, drives, keyboards. And Debian's own programs where write-disk.sh wants them
# or they are faster: the others are BusyBox's, which are here already.
[ "${1-}" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
auto_add_modules base scsi block ata mmc usb_storage fb
manual_add_modules isofs sr_mod virtio_pci virtio_blk virtio_scsi hv_vmbus hv_storvsc hyperv-keyboard xen-blkfront
for program in blkid lsblk blockdev wipefs sfdisk sha256sum gzip dd tee stty; do
    place=$(command -v "$program")
    rm -f "$DESTDIR$place"
    copy_exec "$place"
done
END
chmod 755 "$conf/hooks/mailnix"
cat > "$conf/scripts/mailnix" <<'END'
# /init of initramfs-tools reads this for boot=mailnix, and calls mountroot to go on with. There is nothing to go on
# with: the medium has a program that ends with a restart.
found() { # LABEL: mounts the medium; udev knows labels of disks only, as its program for CDs is not here
    for place in /sys/class/block/*; do
        device=/dev/${place##*/}
        [ "$(blkid -p -o value -s LABEL "$device" 2> /dev/null)" != "$1" ] ||
            ! mount -t iso9660 -o ro "$device" /medium || return 0
    done
    return 1
}
mountroot() {
    label=
    for word in $(cat /proc/cmdline); do
        case $word in mailnix.medium=*) label=${word#*=} ;; esac
    done
    tries=0
    mkdir -p /medium
    until found "$label"; do
        tries=$((tries + 1))
        [ $((tries % 15)) != 0 ] || echo "The medium $label does not show itself: take it out, and put it in again."
        sleep 1
    done
    udevadm settle
    consoles=
    for name in $(cat /sys/class/tty/console/active); do
        [ "$name" != tty0 ] || name=tty1 # the screen
        ! stty -F "/dev/$name" > /dev/null 2>&1 || consoles="$consoles /dev/$name" # nothing behind some serial lines
    done
    # shellcheck disable=SC2086 # a word each
    while :; do sh /medium/mailnix/install.sh /proc/cmdline $consoles; done
}
END
