#!/bin/bash
# Dovecot as far as its configuration: the entrypoint, then doveconf. Debian's has no full-text search.
set -euo pipefail
. "$(dirname -- "$0")/env.sh"
export SKIP_FTS=y
image=$DOCKERFILES/dovecot
mkdir -p /var/vmail /var/vmail_index /mail_crypt /usr/lib/dovecot/sieve "$DATA/conf/phpfpm/sogo-sso"
bind "$DATA/conf/dovecot" /etc/dovecot
bind "$DATA/hooks/dovecot" /hooks
bind "$DATA/conf/phpfpm/sogo-sso" /etc/phpfpm
bind "$DATA/assets/templates" /templates
bind "$DATA/assets/ssl" /etc/ssl/mail
id vmail >/dev/null 2>&1 || useradd --uid 5000 --no-create-home vmail
cp "$image"/report-*.sieve "$image"/rspamd-pipe-* /usr/lib/dovecot/sieve/
cp "$image"/{imapsync_runner.pl,imapsync,trim_logs.sh,clean_q_aged.sh,maildir_gc.sh,quota_notify.py,repl_health.sh} \
    "$image/optimize-fts.sh" /usr/local/bin/
cp "$image/stop-supervisor.sh" /usr/local/sbin/
install -m 755 /bin/true /usr/local/bin/sa-rules.sh # fetches rules from the internet
bash "$image/docker-entrypoint.sh" true >&2
exec doveconf -n -c /etc/dovecot/dovecot.conf
