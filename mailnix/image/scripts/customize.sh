# Run by mmdebstrap when every package is installed: $1 is the root, $ROOT_UUID the file system it will live in; the rest
# is said by loaders.py.
set -eu
root=$1
own=$root/usr/lib/mailnix/boot
mkdir -p "$own" "$root/boot/grub" "$root/etc/repart.d" "$root/etc/systemd/system"

# Boot loaders: Debian's signed shim and GRUB for UEFI (Secure Boot works), a GRUB of our own for BIOS.
# Unpacked, not installed: nothing in the running machine needs them, and the kernel's postinst keeps /vmlinuz right.
get=$root/tmp/mailnix-grub
mkdir -p "$get"
(
    cd "$get"
    # shellcheck disable=SC2086 # a list of words
    APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q -o APT::Sandbox::User=root download $LOADERS
    for package in *.deb; do dpkg-deb -x "$package" unpacked; done
)
cp "$get/unpacked/$SHIM" "$own/shim.efi"
cp "$get/unpacked/$GRUB" "$own/grub.efi"
cat > "$own/early.cfg" <<END
search --no-floppy --fs-uuid --set=root $ROOT_UUID
set prefix=(\$root)/boot/grub
configfile (\$root)/boot/grub/grub.cfg
END
: > "$own/boot.img"
if [ -n "$BIOS" ]; then
    cp "$get/unpacked/usr/lib/grub/i386-pc/boot.img" "$own/boot.img"
    chroot "$root" env LD_LIBRARY_PATH=/tmp/mailnix-grub/unpacked/usr/lib/x86_64-linux-gnu \
        /tmp/mailnix-grub/unpacked/usr/bin/grub-mkimage \
        --directory=/tmp/mailnix-grub/unpacked/usr/lib/grub/i386-pc --format=i386-pc --prefix=/boot/grub \
        --config=/usr/lib/mailnix/boot/early.cfg --output=/usr/lib/mailnix/boot/core.img \
        biosdisk part_gpt ext2 search search_fs_uuid normal configfile linux echo test serial terminal ls cat reboot halt
fi
rm -rf "$get"

cat > "$root/boot/grub/grub.cfg" <<END
# Debian's kernel packages keep /vmlinuz and /initrd.img, and .old of both, pointing at what is installed.
set timeout=1
set default=0
set fallback=1
if serial --unit=0 --speed=115200; then
    terminal_input console serial
    terminal_output console serial
fi
search --no-floppy --fs-uuid --set=root $ROOT_UUID
set options="root=UUID=$ROOT_UUID ro console=tty0 console=$SERIAL loglevel=4 systemd.show_status=1 systemd.gpt_auto=0 panic=10"
menuentry "Debian 13 (mailnix)" {
    linux /vmlinuz \$options
    initrd /initrd.img
}
menuentry "Debian 13 (mailnix), previous kernel" {
    linux /vmlinuz.old \$options
    initrd /initrd.img.old
}
END

cat > "$root/etc/fstab" <<END
UUID=$ROOT_UUID / ext4 errors=remount-ro,x-systemd.growfs 0 1
END
cat > "$root/etc/repart.d/50-root.conf" <<END
# Nothing but the type: the partition takes all that its disk has.
[Partition]
Type=root
END

# What a boot said stays on the screen above the login prompt: a provider's console is opened when all of it has passed.
mkdir -p "$root/etc/systemd/system/getty@.service.d"
cat > "$root/etc/systemd/system/getty@.service.d/mailnix.conf" <<END
[Service]
TTYVTDisallocate=no
END

# Each machine makes its own SSH keys and machine id at first boot.
rm -f "$root"/etc/ssh/ssh_host_*
if [ -e "$root/usr/lib/systemd/system/sshd-keygen.service" ]; then
    mkdir -p "$root/etc/systemd/system/sshd-keygen.service.d"
    cat > "$root/etc/systemd/system/sshd-keygen.service.d/mailnix.conf" <<END
# The image has no host keys, and an empty machine id is no "first boot" to systemd.
[Unit]
ConditionFirstBoot=
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
[Service]
# One kind of key is enough for every client of the last ten years; an RSA key takes long on slow machines.
ExecStart=
ExecStart=ssh-keygen -q -t ed25519 -N "" -C "" -f /etc/ssh/ssh_host_ed25519_key
END
fi

systemctl --root="$root" --quiet enable systemd-networkd.service systemd-resolved.service systemd-timesyncd.service
# No LVM snapshots to scrub, nobody at the console to ask, no kernel debugging, FUSE or foreign binaries. apt-daily-upgrade
# itself delays a shutdown while it installs, so the Python program that waits for one stays off.
systemctl --root="$root" --quiet mask e2scrub_reap.service e2scrub_all.timer systemd-firstboot.service \
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
    proc-sys-fs-binfmt_misc.automount systemd-binfmt.service systemd-pstore.service
systemctl --root="$root" --quiet disable unattended-upgrades.service

chroot "$root" dpkg-query --show --showformat='${binary:Package} ${Version}\n' > "$root/usr/lib/mailnix/packages"
rm -f "$root/etc/dpkg/dpkg.cfg.d/mailnix-build" "$root"/var/log/*.log "$root"/var/log/apt/* "$root"/var/cache/debconf/*-old \
    "$root"/var/lib/dpkg/*-old
