# What is said to `mailnix deploy`: JSON, or one line of why not.

fresh=300 # seconds for which what one person brought is not replaced by what another one brings

unpack() {
    rm -rf "$run/incoming"
    mkdir -p "$run/incoming"
    tar -x -f - -C "$run/incoming" --no-same-owner --no-same-permissions 2>/dev/null ||
        refuse "what came is no whole tar: send it again"
    strange=$(cd "$run/incoming" &&
        find . -mindepth 1 \( ! -type f ! -path ./credentials -o -name '*[!A-Za-z0-9@._-]*' \))
    [ -z "$strange" ] || refuse "something came that belongs to no generation: $(plain "$strange")"
}

# The file has the generation's number before it: nobody takes it for another one's that is here already.
brought() { read -r _ path <"$run/$1/system" 2>/dev/null && echo "$path"; }

# Only who is given it when a system comes switches to that, or lets it go: its number is nobody's before it has run, and
# another deploy of the same person, who may begin again at once, brings its own by the same one.
claimed() { [ "$(cat "$run/brought/claim" 2>/dev/null)" = "$claim" ]; }

refuse_others() {
    [ -n "$claim" ] && ! claimed || return 0
    who=$(by "$run/brought/made.json" 2>/dev/null) || true
    busy "another deploy${who:+ ($who)} has brought its own generation $1 meanwhile: begin again"
}

by() { sed -n 's/.*"by": "\([^"]*\)".*/\1/p' "$1"; }

# A system for other disks would not start: emitted ones have the disk of their image, unless local/NAME.nix says more.
mountable() {
    awk '$1 ~ /^\/dev\// && $4 !~ /noauto|nofail/ { print $1, $2 }' "$1/etc/fstab" 2>/dev/null |
        while read -r device place; do
            [ -e "$root$device" ] || refuse "it has no $device for $place: say in local/ what disks there are"
        done
}

receive() {
    lock 5
    ! known || busy "generation $to waits for its confirmation"
    unpack
    system=$(brought incoming) && [ -x "$system/bin/switch-to-configuration" ] ||
        refuse "the system of generation $1 is not on this machine: begin again"
    newest=$(numbers | tail -n 1)
    [ "$1" = $((${newest:-0} + 1)) ] || refuse "generation $1 is not the next one on this machine: begin again"
    mountable "$system" || quit
    made=$run/brought/made.json
    tr '\n' ' ' <"$run/incoming/made.json" >"$run/incoming/line" && mv "$run/incoming/line" "$run/incoming/made.json"
    came=$(cat "$run/brought/came" 2>/dev/null) || came=-$fresh
    if [ -e "$made" ] && [ $(($(seconds) - came)) -lt "$fresh" ]; then
        [ "$(by "$made")" = "$(by "$run/incoming/made.json")" ] || busy "$(by "$made") brings a generation just now"
    fi
    rm -rf "$run/brought"
    seconds >"$run/incoming/came"
    tr -d - </proc/sys/kernel/random/uuid >"$run/incoming/claim"
    mv "$run/incoming" "$run/brought"
    ln -sfn "$system" "$gcroot"
    printf '{"packages": %s, "credentials": [%s], "claim": "%s"}\n' "$(packages "$system")" \
        "$(differing "$run/brought/credentials" | listed)" "$(cat "$run/brought/claim")"
}

compare() {
    lock 5
    unpack
    printf '{"credentials": [%s]}\n' "$(differing "$run/incoming/credentials" | listed)"
    rm -rf "$run/incoming"
}

# Nobody switches to it after all: neither its credentials need wait in memory, nor its system in the store.
forget() {
    lock 5
    if ! known && { [ -z "$claim" ] || claimed; } &&
        grep -q "\"generation\": $1[ ,}]" "$run/brought/made.json" 2>/dev/null; then
        rm -rf "$run/brought" "$gcroot"
    fi
    echo '{}'
}

system_for() {
    refuse_others "$1"
    if [ -L "$profile-$1-link" ]; then
        its=$(system_of "$1")
        if grep -q "\"generation\": $1[ ,}]" "$run/brought/made.json" 2>/dev/null && [ "$(brought brought)" != "$its" ]; then
            rm -rf "$run/brought" "$gcroot"
            refuse "somebody has made a generation $1 by other means meanwhile: begin again"
        fi
        echo "$its"
    elif claimed && grep -q "\"generation\": $1[ ,}]" "$run/brought/made.json" 2>/dev/null; then
        brought brought
    else
        refuse "this machine keeps no generation $1"
    fi
}

# "name: 1.0 → 1.1, +3.0 KiB"; ∅ is none; newer ones say "name: 1.0 added, +3.0 KiB"
packages() {
    nix --extra-experimental-features nix-command store diff-closures "$running" "$1" 2>/dev/null |
        sed "s/$(printf '\033')\[[0-9;]*m//g; s/[\"\\\\]//g" | awk -F': ' '
            function row(kind, text) { rows[kind] = rows[kind] (rows[kind] ? ", " : "") "[\"" $1 "\", \"" text "\"]" }
            NF > 1 {
                sub(/, [+-]?[0-9.]+ [KMG]iB$/, "", $2); split($2, version, " → ")
                if (sub(/ added$/, "", $2)) row("new", $2)
                else if (sub(/ removed$/, "", $2)) row("remove", $2)
                else if (version[1] == "∅") row("new", version[2])
                else if (version[2] == "∅") row("remove", version[1])
                else if (version[2]) row("upgrade", version[1] "\", \"" version[2])
            }
            END {
                printf "{\"new\": [%s], \"upgrade\": [%s], ", rows["new"], rows["upgrade"]
                printf "\"remove\": [%s]}", rows["remove"]
            }'
}

# "would restart the following units: a.service, b.service"; once it is done: "restarting the following units: …"
units_in() {
    awk '
        /^(would (stop|start|restart|reload)|(stopp|start|restart|reload)ing) the following units: / {
            verb = $1 == "would" ? $2 : $1; sub(/p?ing$/, "", verb)
            sub(/^[^:]*: /, ""); count = split($0, names, ", ")
            for (i = 1; i <= count; i++) printf "%s[\"%s\", \"%s\"]", (some++ ? ", " : ""), names[i], verb
        }'
}

units() { "$1/bin/switch-to-configuration" dry-activate 2>&1 9>&- | units_in; }

plan() {
    system=$(system_for "$1") || quit
    printf '{"packages": %s, "files": {}, "units": [%s]}\n' "$(packages "$system")" "$(units "$system")"
}

# Wait for what a unit does.
settled() {
    exec 9>&-
    while known && [ "$step" != installed ]; do sleep 1; done
}

switch() {
    lock 5
    if known; then
        [ "$id $to" = "$3 $1" ] || busy "generation $to waits for its confirmation"
    else
        new=$(system_for "$1") || quit
        old=$(readlink -f "$profile") from=$(number_of "$profile")
        id=$3 to=$1 within=$2 until=$(($(seconds) + within)) step=asked left=0
        ran=$(readlink -f "$running")
        [ ! -L "$profile-$to-link" ] || rm -rf "$run/brought"
        mkdir -p "$run/brought"
        rm -f "$run/last"
        : >"$run/said"
        if [ "$new" = "$old" ]; then tried -; else tried "$new"; fi ||
            refuse "nothing was changed, for $kept cannot be written: is the disk full?"
        printf '%s\n' "$0" >"$run/program"
        begin
        remember
    fi
    settled
    [ -e "$run/state" ] || refuse "taken back: $(last_why)"
    printf '{"step": "installed", "within": %s}\n' "$within"
}

# For after a power cut. With the same system credentials alone change, and those of before are there then.
tried() {
    mkdir -p "$kept" && echo "$id $to $1 $from" >"$kept/tried.new" && sync "$kept/tried.new" &&
        mv "$kept/tried.new" "$kept/tried"
}

mine() { known && [ "$id $step" = "$1 installed" ]; }

stays() { last | grep -q "\"id\": \"$1\", .*\"end\": \"confirmed\""; }

extend() {
    lock 60
    mine "$3" || refuse "nothing of that name waits here"
    until=$(($(seconds) + $2))
    remember
    printf '{"left": %s}\n' "$2"
}

confirm() {
    lock 60
    if mine "$3"; then
        step=confirming left=$tries
        remember
        in_unit -finish finish --no-block
    fi
    settled
    stays "$3" || refuse "it is not what waits here any more: $(last_why)"
    printf '{"current": %s}\n' "$(number_of "$profile")"
}

back() {
    if known; then
        [ -z "$1" ] || [ "$1" = "$id" ] || refuse "what waits here is another's"
        [ "$step" = confirming ] || systemctl stop "$(unit)-install.service" || true
        in_unit -undo undo --no-block || true # it runs already
        while [ -e "$run/state" ]; do sleep 1; done
    fi
    printf '{"current": %s}\n' "$(current)"
}

# Its packages are nixpkgs', of the revision that the flake pins; a kernel that is newer waits for a restart.
restart_due() {
    booted=$(readlink -f "$root/run/booted-system/kernel") || return 0
    [ "$booted" = "$(readlink -f "$running/kernel")" ] || echo "it runs another kernel than its system has"
}

verb=$1 number='' seconds=0 token='' claim=''
shift
while [ $# -gt 0 ]; do
    case $1 in
        --within) seconds=$2 && shift ;;
        --id) token=$2 && shift ;;
        --claim) claim=$2 && shift ;;
        --databases) ;; # Mailcow's module keeps none
        *) number=$1 ;;
    esac
    shift
done
trap 'unforeseen $?' EXIT
case "$number$seconds$token$claim" in *[!A-Za-z0-9]*) refuse "that is no number, or no name" 2 ;; esac
case $verb in status | receive | switch) mend ;; esac
case $verb in
    status | compare | install | finish | undo) "$verb" ;;
    look) look "$token" ;;
    receive | plan | forget) "$verb" "$number" ;;
    upgrades) printf '{"packages": [], "reboot": "%s"}\n' "$(restart_due)" ;;
    ahead) echo '{"ahead": false}' ;;
    switch | extend | confirm) "$verb" "$number" "$seconds" "$token" ;;
    back) back "$token" ;;
    *) refuse "no such verb: $verb" 2 ;;
esac
