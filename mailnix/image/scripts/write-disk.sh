#!/bin/sh
# Writes a disk image onto a disk of this machine: from a rescue system, a live system or an installer.
#
#   sh write-disk.sh IMAGE                    shows the disks, asks which one, writes
#   sh write-disk.sh --serial SERIAL IMAGE    asks nothing: the one disk that has this serial number
#   sh write-disk.sh --list                   shows the disks, and writes nothing
#
# IMAGE is raw, or raw and packed by gzip (its name ends in .gz). A SHA256SUMS beside it is compared with it.
# It ends with 0 where the disk holds the image, read back from it; 1 where it was refused or interrupted, and nothing
# was written; 2 for wrong words; 3 where writing had begun, and the disk does not hold the image.
set -eu
PATH=$PATH:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL

# Where nobody hears it any more (a connection that broke), the status is the same.
say() { printf 'write-disk: %s\n' "$*" || :; }
fail() { # STATUS SENTENCE WHAT-TO-DO
    printf 'write-disk: %s\n  %s\n' "$2" "$3" >&2 || :
    exit "$1"
}
refuse() { fail 1 "$1; nothing was written" "$2"; }
interrupted() { refuse interrupted "run it again"; }
usage() { fail 2 "$1" "sh write-disk.sh [--serial SERIAL] IMAGE, or sh write-disk.sh --list"; }

words() {
    wanted='' image='' list=''
    while [ $# -gt 0 ]; do
        case $1 in
            --list) list=yes ;;
            --serial)
                wanted=$(printf %s "${2-}" | tr -d '[:space:]')
                [ -n "$wanted" ] || usage "--serial wants a serial number"
                shift
                ;;
            -*) usage "there is no option $1" ;;
            *)
                [ -z "$image" ] || usage "one image at a time: $image, or $1"
                image=$1
                ;;
        esac
        shift
    done
    [ -n "$image$list" ] || usage "name the image"
    [ -z "$image" ] || [ -z "$list" ] || usage "--list takes no image"
}

tools() {
    [ "$(id -u)" = 0 ] || refuse "only root writes disks" "become root: sudo -i"
    for tool in lsblk blockdev wipefs sha256sum gzip dd od; do
        command -v "$tool" > /dev/null || refuse "this system has no $tool" "apt-get install util-linux coreutils gzip"
    done
}

# --- the image ---------------------------------------------------------------------------------------------------

raw() { # the image's bytes, unpacked
    case $image in
        *.gz) gzip -dc "$image" ;;
        *) cat "$image" ;;
    esac
}
digest() { sha256sum | cut -d ' ' -f 1; }
is_gpt() { # whether what comes in has a GUID partition table; of sectors of 512 bytes, as the image's
    [ "$(dd bs=512 skip=1 count=1 2> /dev/null | tr -d '\0' | cut -c 1-8 | head -n 1)" = "EFI PART" ]
}

at() { # OFFSET COUNT: what is there, in hexadecimal
    raw 2> /dev/null | dd bs=1 skip="$1" count="$2" 2> /dev/null | od -An -tx1 | tr -d ' \n'
}
last_sector() { # as a table of $size bytes names it, with the least byte first
    printf '%016x' $((size / 512 - 1)) | sed 's/\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)/\8\7\6\5\4\3\2\1/'
}
is_file_system() { # a seed disk's, ext4 or ISO 9660; FAT begins as a disk with partitions does
    [ "$(at 1080 2)" = 53ef ] || [ "$(at 32769 5)" = 4344303031 ]
}
look_at_content() { # sets `gpt`: whether there is a table of which the disk's end has another copy
    gpt=
    case $image in
        *.iso) return ;; # its table is for optical drives, too: it stays as it is
    esac
    if raw 2> /dev/null | is_gpt; then
        gpt=yes
        [ "$(at 544 8)" = "$(last_sector)" ] || refuse "$image is cut off: its partition table is of more bytes" \
            "copy it here again"
    elif [ "$(at 510 2)" != 55aa ] && ! is_file_system; then
        refuse "$image has neither partitions nor a file system" "unpack it, if it is packed by anything but gzip"
    fi
}

look_at_image() {
    [ -r "$image" ] && [ -f "$image" ] || refuse "there is no file $image" "copy it here, or name where it is"
    case $image in
        *.qcow2 | *.vmdk | *.vhdx | *.vhd | *.vdi)
            refuse "$image is for a hypervisor" "build with --format raw or --format raw.gz"
            ;;
    esac
    say "reading $image to its end"
    compare_with_list
    read_through
    [ "$size" -gt 0 ] && [ $((size % 512)) = 0 ] || refuse "$image is no whole disk: $size bytes" "copy it here again"
    look_at_content
}
read_through() { # sets `size` and `sum`, of what it is unpacked: a minute less on a small machine than one by one
    facts=$({ { raw 2> /dev/null || echo damaged >&3; } | dd bs=1M 2>&3 | digest | sed 's/^/sum /'; } 3>&1)
    case $facts in *damaged*) refuse "$image is damaged or cut off" "copy it here again" ;; esac
    sum=$(echo "$facts" | sed -n 's/^sum //p')
    size=$(echo "$facts" | sed -n 's/^\([0-9]*\) bytes.*/\1/p') # dd's last line
    [ -n "$size" ] || size=$(raw | wc -c)                       # which some leave out
}
compare_with_list() { # with the line that a build has written about it
    [ ! -L "$image" ] || image=$(readlink -f "$image") # a build's list is beside the file itself
    sums=$(dirname "$image")/SHA256SUMS
    if ! [ -r "$sums" ]; then
        say "there is no SHA256SUMS beside $image: whether it came here whole is not known"
        return
    fi
    # Lines as sha256sum(1) writes them, "HASH  NAME" or "HASH *NAME", also where Windows has had them.
    expected=$(tr -d '\r' < "$sums" | NAME=$(basename "$image") awk '
        { line = $0; sub(/^[^ ]+ [ *]/, "", line) } line == ENVIRON["NAME"] { print tolower($1) }')
    if [ -z "$expected" ]; then
        say "$sums does not name $image, as it names no seed disk: whether it came here whole is not known"
    elif [ "$(digest < "$image")" != "$expected" ]; then
        refuse "$image is not what SHA256SUMS says: damaged or cut off, or of another build" "copy both here again"
    fi
}

# --- the disks ---------------------------------------------------------------------------------------------------

disks() { # whole disks with something in them, by name
    lsblk -dbnro NAME,TYPE,SIZE | awk '$2 == "disk" && $3 > 0 && $1 !~ /^(zram|ram|fd)/ { print $1 }'
}
serial_of() { # NAME; without udev, lsblk does not know that of a virtio disk
    found=$(lsblk -dno SERIAL "/dev/$1" 2> /dev/null | tr -d ' ') || found=
    [ -n "$found" ] || found=$(tr -d ' \0' 2> /dev/null < "/sys/block/$1/serial") || found=
    echo "$found"
}
in_use() { # NAME: by what, or nothing
    lsblk -nro NAME,TYPE,MOUNTPOINT "/dev/$1" | while read -r name type place; do
        case $type:$place in
            disk: | part: | loop:) ;;
            disk:* | part:* | loop:*) echo "$name is in use as $place: unmount it" ;;
            *) echo "$name ($type) is made of it: stop that first" ;;
        esac
    done | head -n 1
}
looped() { # NAME: the loop device that has the disk or a partition of it, which lsblk does not show with the disk
    case $1 in *[0-9]) part=p ;; *) part= ;; esac
    for file in /sys/block/loop*/loop/backing_file; do
        [ -r "$file" ] && read -r back < "$file" || continue
        case $back in
            "/dev/$1" | "/dev/$1$part"[0-9]*)
                loop=${file#/sys/block/}
                echo "$back is in use as ${loop%%/*}: losetup --detach /dev/${loop%%/*}" && return
                ;;
        esac
    done
}
why_not() { # NAME: why it is not to be written, or nothing
    [ "$(blockdev --getro "/dev/$1")" = 0 ] || { echo "it is read-only" && return; }
    bytes=$(blockdev --getsize64 "/dev/$1")
    [ "$bytes" -ge "$size" ] || { echo "it has $bytes bytes, and the image $size" && return; }
    [ -z "$gpt" ] || [ "$(blockdev --getss "/dev/$1")" = 512 ] || {
        echo "its sectors have $(blockdev --getss "/dev/$1") bytes, and the image's 512" && return
    }
    used=$(in_use "$1")
    if [ -n "$used" ]; then echo "$used"; else looped "$1"; fi
}
show() {
    names=$(disks)
    [ -n "$names" ] || refuse "this machine has no disk" "attach one, or load its driver"
    # Not to a terminal, to whose width it shortens serial numbers.
    # shellcheck disable=SC2046,SC2086 # a name is one word
    lsblk -o NAME,SIZE,TYPE,FSTYPE,LABEL,MODEL,SERIAL,MOUNTPOINT $(printf '/dev/%s ' $names) | cat
    [ -n "$image" ] || return 0
    for name in $names; do
        reason=$(why_not "$name")
        if [ -n "$reason" ]; then say "$name cannot be written: $reason"; else say "$name can be written"; fi
    done
}
choose() { # sets `disk`, a name
    by_name=
    if [ -z "$wanted" ]; then
        show
        # What was typed before anybody saw the disks is no answer. install.sh says where answers come from.
        [ -z "${MAILNIX_ANSWERS-}" ] || dd if="$MAILNIX_ANSWERS" of=/dev/null iflag=nonblock 2> /dev/null || :
        echo "All that is on the disk that you name is lost."
        printf 'Its serial number, or its name where it has none (empty: write nothing): '
        read -r wanted || wanted=
        by_name=yes
    fi
    wanted=$(printf %s "$wanted" | tr -d '[:space:]')
    [ -n "$wanted" ] || refuse "no disk was named" "run it again when you know which" # many disks have no number
    disk=
    for name in $(disks); do
        if [ "$(serial_of "$name")" = "$wanted" ] || [ "$by_name:${wanted#/dev/}" = "yes:$name" ]; then
            [ -z "$disk" ] || refuse "$disk and $name are both called $wanted" "run it without --serial, and type a name"
            disk=$name
        fi
    done
    [ -n "$disk" ] || refuse "no disk here is called $wanted" "sh write-disk.sh --list shows them, with serial numbers"
    reason=$(why_not "$disk")
    [ -z "$reason" ] || refuse "$disk cannot be written: $reason" "nothing is forced: mend that, or choose another"
}

# --- writing -----------------------------------------------------------------------------------------------------

broken() { fail 3 "$1: /dev/$disk does NOT hold the image, and what was on it is gone" "run the same command again"; }

old_signatures_go() { # RAID's and other tables, also at the disk's end: this writes first
    # wipefs takes the disk for itself alone, which the kernel refuses while a file system or a RAID has the whole of it,
    # seen from here or not. It is past signals: else nobody knew, after one, whether it had written.
    late=
    trap 'late=yes' INT TERM HUP
    if ! (trap '' INT TERM HUP && exec wipefs --all --quiet "/dev/$disk"); then
        [ -z "$late" ] || interrupted
        refuse "/dev/$disk is in use" "nothing is forced: find what uses it"
    fi
    trap 'broken interrupted' INT TERM HUP
    [ -z "$late" ] || broken interrupted
    old_ends_go
}
old_ends_go() { # of partitions, where ZFS and RAID have labels: a root that grows to there would look as if it were theirs
    end=4096 # sectors of 512 bytes: libblkid looks for no label that is farther from it (promise_raid: 3087)
    kept=$(($(blockdev --getsz "/dev/$disk") - end))
    [ -n "$gpt" ] && [ "$kept" -ge 0 ] || return 0 # what has no table does not grow
    head -c $((end * 512)) /dev/zero | dd of="/dev/$disk" bs=512 seek="$kept" 2> /dev/null || broken "writing has failed"
}
write() {
    say "writing $size bytes to /dev/$disk"
    old_signatures_go
    progress=
    if { [ -t 2 ] || [ -n "${MAILNIX_PROGRESS-}" ]; } && dd --help 2>&1 | grep -q progress; then
        progress=status=progress
    fi
    # shellcheck disable=SC2086 # one word or none
    raw | dd of="/dev/$disk" bs=4M conv=fsync $progress || broken "writing has failed"
    say "reading it back"
    blockdev --flushbufs "/dev/$disk" || broken "it cannot be read back"
    [ "$(head -c "$size" "/dev/$disk" | digest)" = "$sum" ] || broken "other bytes came back than the image has"
    trap '' INT TERM HUP # all is there; the table's move, a moment, is not left half done
}
backup_table() { # GPT has its second table in the disk's last sectors (UEFI 2.10, 5.3.2), which the image cannot know
    [ -n "$gpt" ] && [ "$(blockdev --getsize64 "/dev/$disk")" -gt "$size" ] || return 0
    sfdisk --quiet --relocate gpt-bak-std "/dev/$disk" > /dev/null 2>&1 || sgdisk -e "/dev/$disk" > /dev/null 2>&1 ||
        say "the second partition table stays where the image ends: the machine moves it when it starts"
}
finish() {
    backup_table
    blockdev --rereadpt "/dev/$disk" 2> /dev/null || say "this system still sees the old partitions: the next start does not"
    lsblk -o NAME,SIZE,FSTYPE,LABEL "/dev/$disk" || :
    say "/dev/$disk holds the image: all $size bytes were read back, sha256 $sum"
}

words "$@"
trap interrupted INT TERM HUP
tools
if [ -n "$list" ]; then
    show
    exit
fi
look_at_image
choose
write
finish
