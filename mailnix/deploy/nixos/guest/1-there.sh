export LC_ALL=C PATH="/run/current-system/sw/bin:/run/wrappers/bin:$PATH"

ours=$root/usr/lib/mailnix/receive-credentials

refuse() {
    trap - EXIT
    echo "generations: $1" >&2
    exit "${2:-1}"
}

busy() { refuse "$1" 4; }

held() {
    mkdir -p "$run"
    exec 9>"$run/lock"
    flock -w "$1" 9
}

# What nobody thought of, most likely no room: whoever called is told, and takes it for no other program's word.
unforeseen() {
    [ "$1" = 0 ] || echo "generations: $verb ended with $1 on this machine: is its disk full, or /run?" >&2
}

# The part before it has said why.
quit() {
    status=$?
    trap - EXIT
    exit "$status"
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

# What is pending: id, to and from (generations), new, old and ran (systems), within, until (seconds), step, left (tries).
known() { text=$(cat "$run/state" 2>/dev/null) && eval "$text"; }

remember() {
    printf '%s\n' "id=$id to=$to from=$from new=$new old=$old ran=$ran within=$within until=$until step=$step left=$left" \
        >"$run/state.new"
    mv "$run/state.new" "$run/state"
}

ended() {
    printf '{"id": "%s", "to": %s, "end": "%s", "why": "%s"}\n' "$id" "$to" "$1" "$(plain "${2-}")" >"$run/last.new"
    mv "$run/last.new" "$run/last"
    rm -rf "$run/state" "$run/said" "$kept/tried" "$run/brought" "$run/credstore" "$gcroot"
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
    printf '{"id": "%s", "to": %s, "step": "%s", "left": %s, "units": [%s]}' \
        "$id" "$to" "$step" "$gone" "$(cat "$run/said" 2>/dev/null | units_in)"
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
    printf '"drift": [%s], "ran": [%s],\n' "$drifted" "$(numbers | paste -sd ,)"
    printf '"generations": [%s]}\n' "$(printf '%s\n' "$found" | paste -sd ,)"
}
