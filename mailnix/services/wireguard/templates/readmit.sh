#!/bin/sh
# Let the machine at home in again when its clock has gone back. Run every minute.
# Usage: readmit INTERFACE LOOKS STATE
# WireGuard takes no handshake that is older than the last one, by the clock of whoever dials, and remembers that until
# the peer is made anew. So a machine that once dialled with a clock that was ahead, or that starts with one that is
# behind and asks no time server, stays outside for as long as its clock was wrong. After LOOKS looks without a new
# handshake the peers are made anew, of what they are. That lets a recorded handshake be played again, which gets its
# player nothing but the answers of a tunnel that is down.
set -u
interface=$1 patience=$2 state=$3

at=$(wg show "$interface" latest-handshakes 2>/dev/null) || exit 0
[ -n "$at" ] || exit 0
at=${at##*[[:space:]]}
read -r at_then looks 2>/dev/null <"$state/$interface" || at_then='' looks=0
if [ "$at" = "$at_then" ]; then
    looks=$((looks + 1))
else
    looks=0
fi
echo "$at $looks" >"$state/$interface"
if [ "$looks" -gt 0 ] && [ $((looks % patience)) -eq 0 ]; then
    # Nothing in the place of it would take the interface its key and its peer.
    is=$(wg showconf "$interface") && [ -n "$is" ] || exit 0
    printf '%s\n' "$is" | wg setconf "$interface" /dev/stdin
fi
exit 0
