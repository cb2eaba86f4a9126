# Lends a root of another processor this machine's programs while its packages are installed: who unpacks, copies and
# compares need not be emulated, nor the shell that calls them. Run by mmdebstrap with $1, the root: as "extract" when
# the first packages are unpacked, and as "customize" when all are installed, which leaves no trace. dpkg keeps the
# root's own programs beside them, by diversions (dpkg-divert(1)).
set -eu
root=$1 lent=$1/lent
[ "$(dpkg --print-architecture)" != "$ARCHITECTURE" ] || exit 0

# None that says which processor this is (uname, dpkg, ldconfig), and none that has more than Debian's perl-base beside it
# (python). Perl alone is half of it: debconf and deb-systemd-helper begin with two seconds of an emulated processor.
programs="dpkg-deb tar gzip xz zstd cpio perl bash dash sed grep find xargs mawk basename cat chgrp chmod chown cmp comm cp cut
    date diff dirname env expr head id install ln ls md5sum mkdir mktemp mv nl od paste readlink realpath rm rmdir seq
    sha256sum sort split stat sync tac tail tee touch tr tsort uniq wc"

divert() { dpkg-divert --quiet --root="$root" --local --no-rename --divert "$2.own" "$1" "$2"; }
lend() { # PATH PROGRAM
    divert --add "$1"
    [ ! -e "$root$1" ] || mv "$root$1" "$root$1.own"
    cp -L "$2" "$root$1"
    echo "$1" >> "$lent"
}
lend_libraries() { # PROGRAM...; with the loader, as ldd(1) names them
    ldd "$@" 2> /dev/null | sed -n 's|^[^/]*\(/[^ ]*\) (0x.*|\1|p' | sort -u | while read -r library; do
        lend_library "$library"
    done
}
lend_library() { # FILE or FOLDER, to the same place
    folder=${1%/*}
    [ ! -e "$root$1" ] || return 0
    case $folder in
        /*/*) mkdir -p "$root$folder" ;;
        *) # base-files wants /lib64 to be a link, as /lib is
            mkdir -p "$root/usr$folder"
            [ -e "$root$folder" ] || ln -s "usr$folder" "$root$folder"
            ;;
    esac
    cp -rL "$1" "$root$1"
    echo "$1" >> "$lent.libraries"
}
give_back() {
    while read -r path; do
        rm "$root$path"
        divert --remove "$path"
        [ ! -e "$root$path.own" ] || mv "$root$path.own" "$root$path"
    done < "$lent"
    while read -r library; do
        rm -r "${root:?}$library"
        folder=${library%/*}
        if [ ! -L "$root$folder" ]; then
            rmdir --ignore-fail-on-non-empty "$root$folder"
        elif rmdir "$root/usr$folder" 2> /dev/null; then
            rm "$root$folder"
        fi
    done < "$lent.libraries"
    rm "$lent" "$lent.libraries"
}

if [ "$0" = customize ]; then
    # By the kernel's package and again by a trigger, it would be made twice; and with what is lent it is made faster.
    chroot "$root" /usr/sbin/update-initramfs.own -c -k all
    give_back
    exit
fi
found=
for name in $programs; do
    program=$(command -v "$name") || continue
    lend "/usr/bin/$name" "$program"
    found="$found $program"
done
# It looks into every package for questions that nobody will be asked.
lend /usr/sbin/dpkg-preconfigure /usr/bin/true
lend /usr/sbin/update-initramfs /usr/bin/true
# shellcheck disable=SC2086 # a list of words
lend_libraries $found
lend_library "$(perl -e 'print grep { m{/perl-base$} } @INC')"
