#!/bin/sh
# Dovecot, as soon as there are accounts to look up.
. /fake-mailcow/common.sh
mkdir -p /var/vmail/sieve/prefilter /var/vmail/sieve/postfilter
chown vmail:vmail /var/vmail /var/vmail/sieve /var/vmail/sieve/*filter
run_hooks
until_works test -s "$DATABASE"
on_new_certificate doveadm reload
exec dovecot -F
