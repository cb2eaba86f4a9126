#!/bin/sh
# paths.sh UNITS: the PATHs of our services, and of the scripts that they start, have programs of the packages that they
# name, and of no others: a folder of none is a package whose stub does not know what it is for, and Debian's folder of all
# would hide that a package is missing.
set -eu
store=${store:-/nix/store} aside=${aside:-/usr/lib/debian}
status=0
for unit in "$1"/haraka*.service "$1"/mailcow*.service "$1"/mailnix*.service; do
  [ -e "$unit" ] || continue
  started=$(sed -n 's/^Exec[A-Za-z]*=//p' "$unit" | grep -oE "$store/[^ \"]+" || true)
  # shellcheck disable=SC2086 # several
  for folder in $(grep -shoE 'PATH=[^ "]+' "$unit" $started | tr =: '\n\n' | grep "^$store/.*/bin$" | sort -u); do
    if [ "$(readlink -f "$folder")" = "$aside/bin" ]; then
      echo "${unit##*/}: its PATH has $folder, which leads to all of Debian's programs" >&2
      status=1
    elif [ -z "$(ls "$folder")" ]; then
      echo "${unit##*/}: its PATH has $folder, which has no program: say in stub.sh which package of Debian's has it" >&2
      status=1
    fi
  done
done
exit "$status"
