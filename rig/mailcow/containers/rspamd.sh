#!/bin/bash
# rspamd as far as its configuration: Mailcow's files over Debian's, the entrypoint, then configtest and a module's settings.
set -euo pipefail
. "$(dirname -- "$0")/env.sh"
image=$DOCKERFILES/rspamd
conf=$DATA/conf/rspamd
for name in custom override.d local.d plugins.d lua; do bind "$conf/$name" "/etc/rspamd/$name"; done
for name in rspamd.conf.local rspamd.conf.override; do bind "$conf/$name" "/etc/rspamd/$name"; done
bind "$DATA/hooks/rspamd" /hooks
cp "$image/settings.conf" /etc/rspamd/
install -m 755 "$image/set_worker_password.sh" /
nc() { return 0; } # the entrypoint waits for PHP with it
export -f nc
bash "$image/docker-entrypoint.sh" true >&2
rspamadm configtest
exec rspamadm configdump greylist
