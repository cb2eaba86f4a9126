#!/bin/sh
# What an installing medium does: writes the image that lies beside this file onto a disk of the machine, by
# write-disk.sh, which shows the disks and asks which one. The system that the medium starts runs it.
#
#   sh install.sh CMDLINE CONSOLE…
#
# CMDLINE is the file with the kernel's command line. What is said appears on every CONSOLE, and any of them may answer.
# Nothing is asked where mailnix.disk_serial=SERIAL is on the command line, or disk_serial=SERIAL in
# mailnix-install.conf beside this file (`mailnix build --disk-serial`): then the machine is switched off at the end.
set -u
here=$(dirname "$0")
cmdline=$1
shift
answers=$(mktemp -u)
MAILNIX_ANSWERS=$answers
MAILNIX_PROGRESS=yes # what follows is no terminal, and nobody likes to wait without a word
export MAILNIX_ANSWERS MAILNIX_PROGRESS

setting() { sed -n "s/^$1=//p" "$here/mailnix-install.conf"; }
machine=$(setting machine)
image=$here/$machine.raw.gz

wanted() { # the serial number of the disk that is written without a question, or nothing
    serial=$(tr ' ' '\n' < "$cmdline" | sed -n 's/^mailnix\.disk_serial=//p' | tail -n 1)
    if [ -n "$serial" ]; then echo "$serial"; else setting disk_serial; fi
}
installed() { # whether a disk has this image's partition table, or a root file system that mailnix made (finish.sh)
    lsblk -nro NAME | while read -r name; do # what lsblk says itself of labels is udev's, where there is one
        for tag in LABEL PTUUID; do blkid -p -o value -s "$tag" "/dev/$name"; done
    done 2> /dev/null | grep -qixF -e mailnix -e "$(setting disk_id)"
}
say() { printf '\n%s\n' "$*"; }
ask() { # QUESTION: sets `answer`
    dd if="$answers" of=/dev/null iflag=nonblock 2> /dev/null # what was typed before it was asked
    printf '\n%s ' "$1"
    read -r answer
}
leave() { # reboot or poweroff
    sync
    exec "$1" -f
}

menu() { # until somebody wants to go on here
    answer=
    until [ "$answer" = again ]; do
        ask "Type again, restart or off:"
        case $answer in
            restart) leave reboot ;;
            off) leave poweroff ;;
        esac
    done
}
unattended() { # SERIAL
    if installed; then
        say "A disk here has a machine of mailnix, so nothing is written unasked. Was it installed just now?" \
            "Take the medium out, and restart."
        return
    fi
    sh "$here/write-disk.sh" --serial "$1" "$image" || return
    say "$machine is installed. This machine switches itself off: take the medium out before it starts again."
    leave poweroff
}
dialogue() {
    say "mailnix: this medium writes $machine onto a disk of this machine. All that is on that disk is lost."
    serial=$(wanted)
    if [ -n "$serial" ]; then
        unattended "$serial"
        menu
    fi
    until sh "$here/write-disk.sh" "$image"; do menu; done
    ask "$machine is installed. Take the medium out, put in the seed disk if you have one, and press Enter to restart:"
    leave reboot
}

mkfifo "$answers"
exec 3<> "$answers" # for both, so that nobody waits for the other end
readers=
for console in "$@"; do
    while :; do
        # Not cat: BusyBox's sends a file by sendfile(2), which holds the pipe for itself while it waits for a letter.
        while read -r line; do echo "$line"; done < "$console"
        sleep 1
    done > "$answers" 2> /dev/null &
    readers="$readers $!"
done
dialogue < "$answers" 2>&1 | tee "$@" > /dev/null
# shellcheck disable=SC2086 # a word each
kill $readers
rm -f "$answers"
