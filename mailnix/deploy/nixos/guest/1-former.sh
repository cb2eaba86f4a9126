# What was before a change of credentials, and of which system is the default: kept until the boot loader is written.

changed() { cat "$run/brought/changed" 2>/dev/null || cat "$before/.changed" 2>/dev/null || true; }

# One takes the place of another, whole; `finish` stands for itself, so each failure is handed on.
replace() {
    fresh=${2%/*}/.${2##*/}.new
    cp -p "$1" "$fresh" && sync "$fresh" && mv "$fresh" "$2"
}

# A system whose users are all described (users.mutableUsers = false) removes the others, and their passwords, from the
# disk; the former one, which leaves them to the machine, knows nothing of them any more.
accounts_back() {
    for file in "$accounts"/*; do
        [ ! -f "$file" ] || cmp -s "$file" "$root/etc/${file##*/}" || replace "$file" "$root/etc/${file##*/}" || return
    done
}

put_back() {
    accounts_back || return
    [ -e "$before" ] || return 0
    for name in $(changed); do
        if [ -e "$before/$name" ]; then
            cmp -s "$before/$name" "$store/$name" || replace "$before/$name" "$store/$name" || return
        else
            rm -f "$store/$name"
        fi
    done
    sync
}

forget_before() { rm -rf "$before" "$accounts"; }

unsure() { [ -e "$before" ] || [ -e "$accounts" ]; }

default_again() {
    [ "$(readlink -f "$profile")" = "$new" ] || return 0
    ln -sfn "${profile##*/}-$from-link" "$profile.new"
    mv -T "$profile.new" "$profile"
}

# A power cut before the boot loader was written has started the former system: whether it got back what was its own.
former() {
    unsure && read -r id to new from <"$kept/tried" || return 1
    if [ "$(readlink -f "$running")" = "$new" ]; then
        forget_before
        return 1
    fi
    default_again || true
    put_back
}
