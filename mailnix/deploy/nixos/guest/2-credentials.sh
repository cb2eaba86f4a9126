# Credentials that come with a system: they lie over the machine's own, in memory, until they are confirmed.

differing() {
    [ -d "$1" ] || return 0
    for file in "$1"/*; do
        [ ! -f "$file" ] || cmp -s "$file" "$store/${file##*/}" || echo "${file##*/}"
    done
}

listed() { sed 's/.*/"&"/' | paste -sd , -; }

lay() {
    names=$(differing "$run/brought/credentials")
    printf '%s' "${names:+$names
}" >"$run/brought/changed"
    [ -n "$names" ] || return 0
    mkdir -p "$store"
    rm -rf "$run/credstore"
    cp -a "$store" "$run/credstore"
    for name in $names; do cp --remove-destination "$run/brought/credentials/$name" "$run/credstore/$name"; done
    mount --bind "$run/credstore" "$store"
}

uncover() { while mountpoint -q "$store"; do umount -l "$store" || return; done; }

keep() {
    for name in $(changed); do replace "$run/brought/credentials/$name" "$store/$name" || return; done
}

# Beside what becomes the default lies what was there, until the boot loader is written: that is what `mend` looks for.
aside() {
    [ ! -e "$before" ] || return 0
    rm -rf "$before.new"
    mkdir -p "$before.new" || return
    for name in $(changed); do
        [ ! -e "$store/$name" ] || cp -p "$store/$name" "$before.new/$name" || return
    done
    changed >"$before.new/.changed" && sync "$before.new"/.changed && mv "$before.new" "$before"
}

# networkd reads a tunnel's keys when it makes the card; services read theirs when they start.
hand_on() {
    cards='' services=''
    for name in $(changed); do
        case $name in
            network.wireguard.*) cards="$cards ${name##*.}" ;;
            *) services="$services $(readers "$name")" ;;
        esac
    done
    for card in $cards; do ip link delete "$card" || true; done
    [ -z "$cards" ] || systemctl try-restart systemd-networkd.service || true
    services=$(printf '%s\n' $services | sort -u)
    [ -z "$services" ] || systemctl try-restart --no-block $services || true
}

readers() {
    grep -RlwF -- "$1" "$root/etc/systemd/system" 2>/dev/null | while read -r file; do
        case $file in *.service.d/*) file=${file%.d/*} ;; esac
        case $file in *@*) ;; *.service) echo "${file##*/}" ;; esac
    done
}

# On a machine without our unit of the boot its owner may have made users since.
made_since() {
    [ -n "$(find "$root/etc/passwd" "$root/etc/shadow" -newer "$root/run/booted-system" 2>/dev/null)" ]
}

# As at boot, but that what reads them is told so.
mend() {
    if ! unsure || known; then return 0; fi
    lock 60
    if known; then return 0; fi
    if made_since; then rm -rf "$accounts"; fi
    if former; then
        hand_on
        forget_before
    fi
    exec 9>&-
}
