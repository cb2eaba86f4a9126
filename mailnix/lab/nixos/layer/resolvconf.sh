#!/bin/sh
# resolvconf -u | -a NAME | -d NAME: what openresolv does for NixOS's scripts and dhcpcd: keeps a file of each NAME, given on
# standard input, and makes /etc/resolv.conf of all of them.
set -eu
kept=/run/resolvconf/interfaces
mkdir -p "$kept"
while getopts a:d:fm:u option; do
  case $option in
    a) cat >"$kept/$OPTARG" ;;
    d) rm -f "$kept/$OPTARG" ;;
    f | m | u) ;; # -m is an order among them
    *) exit 2 ;;
  esac
done
find "$kept" -type f -exec cat {} + >/etc/resolv.conf
