# generations VERB …: what `mailnix deploy` calls on a machine of NixOS, in the words of Debian's program of that name.
# These files, one after the other, are the program; it is sent along with each call.
#
# nixos-rebuild brings a system, NixOS keeps it; this is the transaction around switch-to-configuration. All that waits
# is in /run, credentials too, and `test` makes no generation the default: after a power cut there is what was before.
# A timer looks every few seconds, and goes back where nobody has confirmed in time, or what installs has died.
set -eu
umask 077
root=${MAILNIX_ROOT-}
export LC_ALL=C PATH="/run/current-system/sw/bin:/run/wrappers/bin:$PATH"

run=$root/run/mailnix-generations
kept=$root/var/lib/mailnix/generations
profile=$root/nix/var/nix/profiles/system
running=$root/run/current-system
gcroot=$root/nix/var/nix/gcroots/mailnix-generations
store=$root/etc/credstore
before=$kept/before # credentials as they were, while `finish` lays the new ones
ours=$root/usr/lib/mailnix/receive-credentials

refuse() {
    echo "generations: $1" >&2
    exit "${2:-1}"
}

busy() { refuse "$1" 4; }

held() {
    mkdir -p "$run"
    exec 9>"$run/lock"
    flock -w "$1" 9
}

lock() { held "$1" || busy "another deploy is at work on this machine"; }

seconds() { cut -d. -f1 /proc/uptime; }

plain() { printf '%s' "$1" | tr -d '"\\\000-\037'; }

number_of() {
    link=$(readlink "$1") || return 0
    link=${link##*system-}
    echo "${link%-link}"
}

numbers() {
    for link in "$profile"-*-link; do
        [ ! -L "$link" ] || { link=${link%-link} && echo "${link##*-}"; }
    done | sort -n
}

system_of() { readlink -f "$profile-$1-link"; }

made_of() { echo "$kept/$1-$(basename "$2").json"; }

# The generation that runs, where mailnix brought it or made it otherwise; a machine of others' has none.
current() {
    now=$(number_of "$profile")
    if [ -n "$now" ] && { [ -e "$ours" ] || [ -e "$(made_of "$now" "$(system_of "$now")")" ]; }; then
        echo "$now"
    else
        echo null
    fi
}

previous() {
    before=$(numbers | awk -v now="$(number_of "$profile")" '$1 + 0 < now + 0' | tail -n 1)
    echo "${before:-null}"
}

generation() {
    made=$(made_of "$1" "$2")
    if [ -e "$made" ]; then cat "$made"; else printf '{"generation": %s, "host": "", "digest": ""}' "$1"; fi
}

# What is pending: id, to and from (generations), new and old (systems), within, until (seconds), step, left (tries).
known() { text=$(cat "$run/state" 2>/dev/null) && eval "$text"; }

remember() {
    printf '%s\n' "id=$id to=$to from=$from new=$new old=$old within=$within until=$until step=$step left=$left" \
        >"$run/state.new"
    mv "$run/state.new" "$run/state"
}

ended() {
    printf '{"id": "%s", "to": %s, "end": "%s", "why": "%s"}\n' "$id" "$to" "$1" "$(plain "${2-}")" >"$run/last.new"
    mv "$run/last.new" "$run/last"
    rm -rf "$run/state" "$kept/tried" "$run/brought" "$run/credstore" "$gcroot"
    systemctl stop "$(unit).timer" || true
}

# How the last one ended. What memory has forgotten was cut off: it runs where it was the default by then.
last() {
    if [ -e "$run/last" ]; then
        cat "$run/last"
    elif [ -e "$kept/tried" ] && ! known; then
        read -r id to new from <"$kept/tried"
        how=back
        [ "$(readlink -f "$profile")" != "$new" ] || how=confirmed
        printf '{"id": "%s", "to": %s, "end": "%s", "why": "the machine started anew meanwhile"}\n' "$id" "$to" "$how"
    else
        echo null
    fi
}

last_why() { last | sed 's/.*"why": "\([^"]*\)".*/\1/; s/^null$/nothing waits/'; }

drift() {
    [ "$(readlink -f "$running")" = "$(readlink -f "$profile")" ] || printf '"/run/current-system"'
}

waiting() {
    gone=$((until - $(seconds)))
    [ "$gone" -gt 0 ] || gone=0
    printf '{"id": "%s", "to": %s, "step": "%s", "left": %s}' "$id" "$to" "$step" "$gone"
}

status() {
    found=$(for each in $(numbers); do generation "$each" "$(system_of "$each")" && echo; done)
    drifted=$(drift) pending=null
    if known; then
        pending=$(waiting) drifted=
        [ -L "$profile-$to-link" ] || [ ! -e "$run/brought/made.json" ] ||
            found=$(printf '%s\n' "$found" && cat "$run/brought/made.json")
    fi
    printf '{"program": "nixos", "host": "%s", "current": %s, "previous": %s, "pending": %s, "last": %s,\n' \
        "$(uname -n)" "$(current)" "$(previous)" "$pending" "$(last)"
    printf '"drift": [%s], "generations": [%s]}\n' "$drifted" "$(printf '%s\n' "$found" | paste -sd ,)"
}
