# There and back. Each step is a unit of its own, which a connection that breaks does not end.

looks=5   # seconds between two looks of the timer
queue=120 # looks at most, while one that failed is about to start
again=20  # looks, while systemd waits to start one anew: two failures meanwhile count
tries=20  # looks at a system that does not come back whole
most=1800 # seconds for a step: switch-to-configuration waits for a unit that never starts for as long as that may take
other=600 # seconds for one that somebody else has called

unit() { echo "mailnix-generations-$id"; }

in_unit() {
    systemd-run --quiet --collect --unit="$(unit)$1" --property=RuntimeMaxSec="$most" --setenv=PATH="$old/sw/bin:$PATH" \
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

# Services whose start is repeated without an end (Restart=, and no StartLimitIntervalSec) never fail for systemd:
# "unit restarts" of each that has been started anew, or that waits for it ("-" before it).
restarts() {
    systemctl show --property=Id,NRestarts,SubState '*.service' | awk -F= '
        function tell() { if (waits || count > 0) print (waits ? "-" : "") id, count + 0; id = count = waits = "" }
        $1 == "Id" { id = $2 } $1 == "NRestarts" { count = $2 } $1 == "SubState" { waits = $2 ~ /^auto-restart/ }
        /^$/ { tell() } END { tell() }'
}

counted() { restarts | sed 's/^-//' | sort; }

# Those that were started anew for long before the change, or waited for it, are no reason against it.
looping() { restarts | awk '/^-/ || $2 > 4 { sub(/^-/, ""); print $1 }'; }

restless() {
    { restarts | sed -n 's/^-\(.*\) .*/\1/p' && started_anew 0; } | sort -u | comm -23 - "$run/failed.before" | grep -q .
}

# More often than that since the change.
started_anew() {
    counted | join -a 2 -e 0 -o 0,1.2,2.2 "$run/restarts.once" - | awk -v more="$1" '$3 - $2 > more { print $1 }'
}

# Twice: a unit that systemd is about to start again has failed for an instant.
failed_now() {
    starts=$queue anew=$again
    counted >"$run/restarts.once"
    failed >"$run/failed.once"
    while { [ "$starts" -gt 0 ] && queued "$run/failed.once"; } || { [ "$anew" -gt 0 ] && restless; }; do
        starts=$((starts - 1)) anew=$((anew - 1))
        sleep 1
        failed >"$run/failed.once"
    done
    sleep 1
    { failed | comm -12 - "$run/failed.once" && started_anew 1; } | sort -u | comm -23 - "$run/failed.before" |
        paste -sd ' ' -
}

activate() { NIXOS_INSTALL_BOOTLOADER=0 "$1/bin/switch-to-configuration" "$2" 9>&-; }

tried_out() {
    ended_with=0
    activate "$1" test || ended_with=$?
}

done_by_it() { [ "$ended_with" = 0 ] || [ "$ended_with" = 4 ]; } # 4: a unit failed, though it may have before

why_not() {
    words=$(grep . "$run/said" | tail -n 1)
    case $ended_with in
        100) echo "only a restart brings it, for its init is another one: nixos-rebuild boot, and restart the machine" ;;
        *) echo "switch-to-configuration ended with $ended_with${words:+: $words}" ;;
    esac
}

runs() { [ "$(readlink -f "$running")" = "$1" ]; }

is_default() { [ "$(readlink -f "$profile")" = "$1" ]; }

# Somebody's nixos-rebuild: switch-to-configuration does not wait for another one, and fails.
alone() {
    its=$root/run/nixos/switch-to-configuration.lock
    [ ! -e "$its" ] || flock -w "$other" "$its" true || true
}

# The machine's own users are on the disk, where no system is the former one.
note_accounts() {
    rm -rf "$accounts.new" && mkdir -p "$accounts.new" || return
    for name in passwd group shadow gshadow subuid subgid; do
        file=$root/etc/$name
        if [ -f "$file" ] && [ ! -L "$file" ]; then cp -p "$file" "$accounts.new/$name" || return; fi
    done
    sync && rm -rf "$accounts" && mv "$accounts.new" "$accounts"
}

install() {
    lock 60
    known && [ "$step" = asked ] || return 0
    step=installing
    remember
    alone
    if ! is_default "$old"; then
        go_back "another system has become the default meanwhile"
    elif ! note_accounts; then
        go_back "what is there could not be noted: is the disk full?"
    else
        bring
    fi
}

bring() {
    { failed && looping; } | sort -u >"$run/failed.before"
    lay
    tried_out "$new" >"$run/said" 2>&1
    cat "$run/said"
    hand_on
    broken=$(failed_now)
    if [ -n "$broken" ]; then
        go_back "$broken: failed"
    elif ! done_by_it; then
        go_back "$(why_not)"
    else
        until=$(($(seconds) + within)) step=installed
        remember
    fi
}

# What has been the default all the time runs again; the timer tries anew where it does not come up whole.
go_back() {
    [ "$step" = back ] || { printf '%s\n' "$1" >"$run/why" && left=$tries; }
    step=back left=$((left - 1))
    remember
    why=$(cat "$run/why")
    if elses_runs; then rm -rf "$accounts"; fi
    if ! { uncover && default_again && put_back && old_again; }; then
        [ "$left" -le 0 ] || return 0
        why="$why; what ran before does not come up whole, which a restart of the machine may mend"
    fi
    hand_on
    forget_before
    ended back "$why"
}

# A system that somebody has activated by other means meanwhile is theirs, and stays, with the users that it has made.
elses_runs() { ! runs "$new" && ! runs "$old" && ! runs "$ran"; }

old_again() {
    if elses_runs; then
        why="$why; another system was activated by other means meanwhile, and stays"
        return 0
    fi
    tried_out "$old" && done_by_it && runs "$old"
}

# The boot loader comes last, and decides: all that the new system needs is on the disk by then.
finish() {
    lock 60
    known && [ "$step" = confirming ] || return 0
    left=$((left - 1))
    remember
    if ! runs "$new"; then
        go_back "it does not run any more"
    elif [ "$left" -lt 0 ]; then
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
    if [ -L "$profile-$to-link" ] && [ "$(system_of "$to")" = "$new" ]; then # that number may be another's by now
        nix-env -p "$profile" --switch-generation "$to"
    else
        nix-env -p "$profile" --set "$new"
    fi
}

unfinished() {
    default_again || true
    activate "$old" boot || true
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
        asked | installing) works install || go_back "what installed it was killed, or hung for $((most / 60)) minutes" ;;
        installed) [ "$(seconds)" -lt "$until" ] || go_back "nobody confirmed it in time" ;;
        confirming) works finish || in_unit -finish finish --no-block ;;
        back) go_back "" ;;
    esac
}
