#!/bin/sh
# rspamd: which networks are ours, where Redis is; the rest is in local.d and override.d.
. /fake-mailcow/common.sh
mkdir -p /etc/rspamd/custom /run/rspamd
printf '%s.0/24\n%s\n' "$IPV4_NETWORK" "$IPV6_NETWORK" >/etc/rspamd/custom/mailcow_networks.map
# By its address: a name that is not known yet would switch signing off.
printf 'servers = "%s.249:6379";\npassword = "%s";\ntimeout = 10;\n' "$IPV4_NETWORK" "$REDISPASS" >/etc/rspamd/local.d/redis.conf
# Countries and the oldest generic ones: rspamd would compile all of the list's ten thousand patterns, which takes an
# emulated machine longer than everything else here. The reserved ones, where labs live, are not on that list.
{ grep -E '^([a-z]{2}|com|info|net|org)$' /usr/share/publicsuffix/effective_tld_names.dat; printf "test\nexample\ninvalid\n"; } >/run/rspamd/suffixes
chown -R _rspamd:_rspamd /var/lib/rspamd /run/rspamd
run_hooks
exec rspamd --config=/fake-mailcow/rspamd.conf --no-fork --user=_rspamd --group=_rspamd
