#!/bin/sh
# Let the proxies say on whose behalf they speak (XCLIENT), on port 25 alone: the smtpd behind postscreen.
# Run by Mailcow's Postfix container before each start; master.cf has no file for overrides. Setting it twice is no harm.
set -eu
exec postconf -c /opt/postfix/conf -P 'smtpd/pass/smtpd_authorized_xclient_hosts=10.83.119.1'
