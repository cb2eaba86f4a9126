# There and back. Each step is a unit of its own, which a connection that breaks does not end.

looks=5   # seconds between two looks of the timer
queue=120 # looks at most, while one that failed is about to start
tries=20  # looks at a system that does not come back whole

unit() { echo "mailnix-generations-$id"; }

in_unit() {
    systemd-run --quiet --collect --unit="$(unit)$1" --setenv=PATH="$old/sw/bin:$PATH" \
        --setenv=MAILNIX_ROOT="$root" "$3" ${4+"$4"} ${5+"$5"} /bin/sh "$run/program" "$2" --id "$id"
}

begin() {
    in_unit "" look --on-active="$looks" --on-unit-inactive="$looks" --timer-property=AccuracySec=1s
    in_unit -install install --no-block
}

works() { systemctl is-active --quiet "$(unit)-$1.service"; }

failed() {
    systemctl list-units --state=failed --plain --no-legend --no-pager | cut -d' ' -f1 | sort
}

# What is stopped while it starts has failed, too, until the start that is queued for it.
queued() {
    systemctl list-jobs --full --plain --no-legend --no-pager | awk 'NF == 4 { print $2 }' | sort |
        comm -12 - "$1" | grep -q .
}

# Twice: a unit that systemd is about to start again has failed for an instant.
failed_now() {
    starts=$queue
    failed >"$run/failed.once"
    while [ "$starts" -gt 0 ] && queued "$run/failed.once"; do
        starts=$((starts - 1))
        sleep 1
        failed >"$run/failed.once"
    done
    sleep 1
    failed | comm -12 - "$run/failed.once" | comm -23 - "$run/failed.before" | paste -sd ' ' -
}

activate() { NIXOS_INSTALL_BOOTLOADER=0 "$1/bin/switch-to-configuration" "$2" 9>&-; }

install() {
    lock 60
    known && [ "$step" = asked ] || return 0
    step=installing
    remember
    failed >"$run/failed.before"
    lay
    ended_with=0
    activate "$new" test >"$run/said" 2>&1 || ended_with=$?
    cat "$run/said"
    hand_on
    broken=$(failed_now)
    if [ -n "$broken" ]; then
        go_back "$broken: failed"
    elif [ "$ended_with" != 0 ] && [ "$ended_with" != 4 ]; then # 4: a unit failed, though it may have before
        go_back "switch-to-configuration ended with $ended_with"
    else
        until=$(($(seconds) + within)) step=installed
        remember
    fi
}

# What has been the default all the time runs again; the timer tries anew where it does not come up.
go_back() {
    [ "$step" = back ] || { printf '%s\n' "$1" >"$run/why" && left=$tries; }
    step=back left=$((left - 1))
    remember
    uncover
    put_back
    activate "$old" test || true
    if [ "$(readlink -f "$running")" != "$old" ] && [ "$left" -gt 0 ]; then return 0; fi
    hand_on
    forget_before
    ended back "$(cat "$run/why")"
}

# The boot loader comes last, and decides: all that the new system needs is on the disk by then.
finish() {
    lock 60
    known && [ "$step" = confirming ] || return 0
    left=$((left - 1))
    remember
    if [ "$left" -lt 0 ]; then
        unfinished "it could not be made the default, often enough"
    elif ! { uncover && aside && make_default && record && keep && sync; }; then
        unfinished "it could not be made the default: is the disk full?"
    elif ! activate "$new" boot; then
        unfinished "its boot loader could not be written"
    else
        tried "$new"
        forget_before
        sync
        ended confirmed
    fi
}

make_default() {
    if [ -L "$profile-$to-link" ]; then
        nix-env -p "$profile" --switch-generation "$to"
    else
        nix-env -p "$profile" --set "$new"
    fi
}

unfinished() {
    default_again || true
    activate "$old" boot || true
    put_back
    go_back "$1"
}

# Where the system is the one that was there, NixOS makes no new number of it.
record() {
    [ -e "$run/brought/made.json" ] || return 0
    number=$(number_of "$profile")
    mkdir -p "$kept" &&
        sed "s/\"generation\": $to\\>/\"generation\": $number/" "$run/brought/made.json" >"$kept/.new" &&
        mv "$kept/.new" "$(made_of "$number" "$new")"
}

undo() {
    lock 60
    ! known || go_back "somebody took it back"
}

look() {
    held 0 || return 0
    if ! known; then
        id=$1
        systemctl stop "$(unit).timer"
        return 0
    fi
    case $step in
        asked | installing) works install || go_back "what installed it was killed" ;;
        installed) [ "$(seconds)" -lt "$until" ] || go_back "nobody confirmed it in time" ;;
        confirming) works finish || in_unit -finish finish --no-block ;;
        back) go_back "" ;;
    esac
}
