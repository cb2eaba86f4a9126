#!/bin/bash
# Redis by Mailcow's own start script.
set -euo pipefail
. "$(dirname -- "$0")/env.sh"
cd "$(volume redis-vol-1)"
exec sh "$DATA/conf/redis/redis-conf.sh"
