#!/bin/sh
# Which network card leads out: choose-card FOLDER CARD…
#
# CARD is a MAC, a name, or patterns of names (systemd.network(5)). What patterns match may be several cards, and a static
# address would be on each: so one is chosen, the first that has a cable, and FOLDER gets a drop-in with its name. A card
# that the description names is only looked for, unless networkd makes it itself, later: a bridge, two cards as one, a
# VLAN. What people must know is said on the console.
set -fu

folder=$1
shift
wanted=$*
patience=30 # seconds for a card that comes late, and for the first cable
negotiation=5 # seconds that cards with a cable take to say so

say() {
    echo "mailnix: $*"
}

fact() {
    cat "/sys/class/net/$1/$2" 2>/dev/null
}

wired() {
    [ "$(fact "$1" type)" = 1 ] || return 1
    for no in wireless phy80211 master; do
        [ ! -e "/sys/class/net/$1/$no" ] || return 1
    done
}

# The name in use of a card that is called by one of its other names.
name_of() {
    line=$(ip -o link show dev "$1" 2>/dev/null)
    line=${line#*: }
    echo "${line%%[:@]*}"
}

meant() {
    for pattern in $wanted; do
        case $1 in $pattern) return 0 ;; esac
        [ "$(fact "$1" address)" != "$pattern" ] || return 0
        [ "$(name_of "$pattern")" != "$1" ] || return 0
    done
    return 1
}

# Wired cards that pass a test, in the order in which the kernel found them. A described one may be of any kind: on NixOS
# it is the owner's to set up.
cards() {
    for name in $(ls /sys/class/net); do
        if { [ -n "$named" ] && [ "$1" = meant ] || wired "$name"; } && "$1" "$name"; then echo "$(fact "$name" ifindex) $name"; fi
    done | sort -n | cut -d ' ' -f 2
}

any() {
    case $1 in en* | eth*) return 0 ;; *) return 1 ;; esac
}

described() {
    for card in "$@"; do
        echo "$card ($(fact "$card" address))"
    done | paste -s -d , | sed 's/,/, /g'
}

case $wanted in
*\** | *\?* | *\[*) named= ;;
*) named=yes ;;
esac

made_later() {
    grep -Rqsx --include='*.netdev' "Name=$wanted" /etc/systemd/network /run/systemd/network
}

if [ -n "$named" ] && made_later; then
    rm -f "$folder/card.conf"
    exit 0
fi

# All cards are there, and have their final names, when udev has worked off its list, which takes a busy host minutes; for
# one alone nobody need wait.
[ -n "$named" ] || for _ in $(seq 8); do
    ! udevadm settle --timeout=60 2>/dev/null || break
done
found=
for _ in $(seq "$patience"); do
    [ -n "$named" ] || udevadm settle --timeout=1 2>/dev/null || true
    found=$(cards meant)
    [ -z "$found" ] || break
    sleep 1
done

if [ -z "$found" ]; then
    there=$(cards any)
    if [ -n "$there" ]; then
        say "the network card $wanted of the description is not here; there is $(described $there)"
    else
        say "there is no wired network card; this machine needs a cable, and does not speak Wi-Fi"
    fi
    exit 1
fi

rm -f "$folder/card.conf"
[ -z "$named" ] || exit 0

plugged() {
    for card in $found; do
        [ "$(fact "$card" carrier)" != 1 ] || echo "$card"
    done
}

set -- $found
if [ $# -gt 1 ]; then
    for card in $found; do
        # The kernel's own IPv6 autoconfiguration is none of this machine's; networkd decides.
        echo 0 2>/dev/null >"/proc/sys/net/ipv6/conf/$card/accept_ra" || true
        ip link set dev "$card" up
    done
    passed=0
    while [ "$(plugged | wc -l)" -lt $# ] && [ "$passed" -lt "$patience" ]; do
        [ -z "$(plugged)" ] || [ "$passed" -lt "$negotiation" ] || break
        sleep 1
        passed=$((passed + 1))
    done
fi
chosen=$(plugged | head -n 1)
chosen=${chosen:-$1}

if [ $# -gt 1 ]; then
    say "this machine has $# network cards and its description names none: $(described "$chosen") leads out"
    say "to be sure of it, write card=\"$(fact "$chosen" address)\"; all cards: $(described $found)"
fi
mkdir -p "$folder"
printf '[Match]\nName=\nName=%s\n' "$chosen" >"$folder/card.conf"
