# finish.sh for who is not root: $1 a folder with root.tar and maybe npm, then finish.sh's words from the third on.
# The namespace's root may neither enter the caller's folders nor write there, so all goes through pipes and a folder
# of its own below $TMPDIR. Device nodes stay out: no namespace may make them, and the kernel fills /dev.
set -eu
work=$1
shift
inside='
    set -eu
    home=$(mktemp -d)
    trap "rm -rf \"$home\"" EXIT
    cd "$home"
    mkdir root out
    tar -xf -
    tar -C root --numeric-owner --exclude="./dev/*" -xpf root.tar
    rm root.tar
    npm=; if [ -d npm ]; then npm=$home/npm; fi
    sh -c "$MAILNIX_FINISH" finish "$home/root" "$home/out" "$@" "$npm" >&2
    tar -C out -cSf - .
'
names=root.tar
if [ -d "$work/npm" ]; then names="$names npm"; fi
# shellcheck disable=SC2086 # two words or one
tar -C "$work" -cf - $names | mmdebstrap --unshare-helper sh -c "$inside" inside "$@" | tar -C "$work/out" -xSf -
[ -s "$work/out/root-bytes" ] # what came last: a pipe only tells how its last program ended
