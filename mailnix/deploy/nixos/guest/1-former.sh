# What was before a change of credentials, and of which system is the default: kept until the boot loader is written.

changed() { cat "$run/brought/changed" 2>/dev/null || cat "$before/.changed" 2>/dev/null || true; }

# One takes the place of another, whole; `finish` stands for itself, so each failure is handed on.
replace() {
    cp -p "$1" "$store/.$2.new" && sync "$store/.$2.new" && mv "$store/.$2.new" "$store/$2"
}

put_back() {
    [ -e "$before" ] || return 0
    for name in $(changed); do
        if [ -e "$before/$name" ]; then
            cmp -s "$before/$name" "$store/$name" || replace "$before/$name" "$name" || return
        else
            rm -f "$store/$name"
        fi
    done
    sync
}

forget_before() { rm -rf "$before"; }

default_again() {
    [ "$(readlink -f "$profile")" = "$new" ] || return 0
    ln -sfn "${profile##*/}-$from-link" "$profile.new"
    mv -T "$profile.new" "$profile"
}

# A power cut before the boot loader was written has started the former system: whether it got back what was its own.
former() {
    [ -e "$before" ] && read -r id to new from <"$kept/tried" || return 1
    if [ "$(readlink -f "$running")" = "$new" ]; then
        forget_before
        return 1
    fi
    default_again || true
    put_back
}
