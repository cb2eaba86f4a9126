#!/bin/sh
# Dial again where a tunnel is down. Run every minute.
# Usage: redial TUNNELS STATE
# TUNNELS has a line a tunnel: interface, family, endpoint, port, and after how many looks without a new handshake it is
# down. A name is looked up again, since WireGuard itself knows addresses only. And the packets leave from another port:
# a router that has a new address, or that lost count of our connection, may hold on to what it knew about the former
# one as long as our keepalives come. Looks are counted, not seconds: at boot a clock may jump.
set -u
tunnels=$1 state=$2

address_of() { # FAMILY NAME: its first address of that family, or nothing
    # For a name that has none, getent makes IPv6 addresses of those of IPv4.
    timeout 20 getent "ahosts${1#ip}" "$2" 2>/dev/null | awk '$1 !~ /^::ffff:/ { print $1; exit }'
}

dial() { # INTERFACE PEER FAMILY ENDPOINT PORT
    to=$(address_of "$3" "$4")
    case $to in
        "") return 0 ;;
        *:*) to="[$to]:$5" ;;
        *) to="$to:$5" ;;
    esac
    [ "$to" = "$endpoint_now" ] || echo "<5>mailnix: $4 is $to now, for $1"
    wg set "$1" peer "$2" endpoint "$to"
}

while read -r interface family endpoint port patience; do
    handshake=$(wg show "$interface" latest-handshakes 2>/dev/null) || continue
    [ -n "$handshake" ] || continue
    peer=${handshake%%[[:space:]]*} at=${handshake##*[[:space:]]}
    endpoint_now=$(wg show "$interface" endpoints | awk '{ print $2 }')

    read -r at_then looks 2>/dev/null <"$state/$interface" || at_then='' looks=0
    if [ "$at" != "$at_then" ]; then
        [ "$looks" -lt "$patience" ] || echo "<5>mailnix: $interface is up again"
        looks=0
    else
        looks=$((looks + 1))
    fi
    echo "$at $looks" >"$state/$interface"

    case $family,$endpoint_now in
        ipv4,[0-9]*.*:* | ipv6,\[*) other_family=no ;;
        *) other_family=yes ;;
    esac
    if [ "$looks" -ge "$patience" ]; then
        [ "$looks" -gt "$patience" ] || echo "<5>mailnix: $interface is down: dialling $endpoint anew, every minute"
        dial "$interface" "$peer" "$family" "$endpoint" "$port"
        wg set "$interface" listen-port 0
    elif [ "$other_family" = yes ]; then
        # Not looked up yet, or by networkd, which takes an address of either family.
        dial "$interface" "$peer" "$family" "$endpoint" "$port"
    fi
done <"$tunnels"
exit 0
