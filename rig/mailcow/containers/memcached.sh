#!/bin/bash
# memcached, as in its image.
. "$(dirname -- "$0")/env.sh"
exec memcached -u nobody -l "$IPV4_NETWORK.10"
