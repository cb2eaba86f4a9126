#!/bin/bash
# Postfix by Mailcow's entrypoint, with its hooks, and postfix.sh.
set -euo pipefail
. "$(dirname -- "$0")/env.sh"
image=$DOCKERFILES/postfix
bind "$DATA/hooks/postfix" /hooks
bind "$DATA/conf/postfix" /opt/postfix/conf
bind "$DATA/assets/ssl" /etc/ssl/mail
bind "$(volume postfix-vol-1)" /var/spool/postfix
install -m 755 "$image"/{whitelist_forwardinghosts.sh,rspamd-pipe-ham,rspamd-pipe-spam} /usr/local/bin/
mkdir -p /etc/syslog-ng
id vmail >/dev/null 2>&1 || useradd --uid 5000 --no-create-home vmail
[ -e /etc/postfix/main.cf ] || cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf # for newaliases
exec bash "$image/docker-entrypoint.sh" bash "$image/postfix.sh"
