# Run by mmdebstrap when every package is installed: $1 is the root. Puts what an installing medium is made of into
# /mailnix-live there: kernel and initramfs, Debian's signed shim and GRUB for UEFI, a GRUB of our own for BIOS.
set -eu
root=$1
live=$root/mailnix-live
mkdir "$live"
cp -L "$root/vmlinuz" "$live/vmlinuz"
cp -L "$root/initrd.img" "$live/initrd.img"
cp "$root/$SHIM" "$live/shimx64.efi"
cp "$root/$GRUB" "$live/grubx64.efi"
cp "$root/usr/lib/grub/i386-pc/boot_hybrid.img" "$live/boot_hybrid.img"
# Started by the BIOS, GRUB has the medium that it came from as its root, be it a stick or a CD.
chroot "$root" grub-mkimage --format=i386-pc-eltorito --prefix=/mailnix --output=/mailnix-live/eltorito.img \
    biosdisk part_gpt part_msdos iso9660 search search_label normal configfile linux echo test serial terminal ls cat \
    reboot halt
chroot "$root" dpkg-query --show --showformat='${binary:Package} ${Version}\n' > "$live/packages"
chmod 644 "$live"/*
