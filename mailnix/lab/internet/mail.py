"""The remote mail domain: a Postfix that insists on verified TLS, with OpenDKIM and OpenDMARC as judges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.lab.internet.layout import CAROL as CAROL
from mailnix.lab.internet.layout import TLS, Layout
from mailnix.lab.internet.receivers import receivers
from mailnix.model import ports
from mailnix.services.base.debian import SYSUSERS
from mailnix.tree import Entry, File

CA: Final = f"{TLS}/ca.pem"
MAILDIRS: Final = "/var/mail/internet"
LOG: Final = "/var/log/postfix.log"
BUSY: Final = "/etc/postfix/busy.regexp"
DKIM_PORT: Final = 8891
DMARC_PORT: Final = 8893

SIXTEN: Final = "sixten"  # sends over IPv6
NOBODY: Final = "nobody-here"  # no mailbox: mail to it fails for good
LOCAL_PARTS: Final = (CAROL, SIXTEN, "postmaster")


def entries(layout: Layout) -> Iterator[Entry]:
    """Postfix, OpenDKIM and OpenDMARC."""
    yield File("/etc/postfix/main.cf", main_cf(layout))
    yield File("/etc/postfix/master.cf", MASTER_CF)
    yield File("/etc/mailname", f"{layout.mx.name}\n")
    yield File("/etc/opendkim.conf", opendkim(layout))
    yield File("/etc/opendmarc.conf", opendmarc(layout))
    yield SYSUSERS
    yield File("/etc/sysusers.d/mailnix-internet.conf", f'u vmail 5000 "Mailboxes" {MAILDIRS}\n')
    yield File("/etc/tmpfiles.d/mailnix-internet.conf", f"d {MAILDIRS} 0700 vmail vmail -\nf {BUSY} 0644 root root -\n")
    for unit in ("opendkim", "opendmarc"):
        # They resolve through BIND, which a slow machine starts after them.
        yield File(f"/etc/systemd/system/{unit}.service.d/internet.conf", "[Unit]\nAfter=named.service\n")
    yield File("/etc/systemd/system/postfix.service.d/internet.conf", POSTFIX_UNIT)


POSTFIX_UNIT: Final = """\
[Unit]
After=named.service opendkim.service opendmarc.service
Wants=opendkim.service opendmarc.service
"""


def main_cf(layout: Layout) -> str:
    """A mail server elsewhere. It delivers only over TLS whose certificate is verified and names the MX host."""
    ours = (layout.domain, *(receiver.name for receiver in receivers(layout)))
    named = [address.rpartition("@") for address in layout.correspondents]
    people = (*((name, domain) for domain in ours for name in LOCAL_PARTS), *((name, at) for name, _, at in named))
    boxes = " ".join(f"{{ {name}@{domain} = {domain}/{name}/ }}" for name, domain in people)
    domains = dict.fromkeys((*ours, *(domain for _name, _, domain in named)))
    mx = layout.mx
    return f"""\
compatibility_level = 3.6
myhostname = {mx.name}
mydomain = {layout.domain}
myorigin = {layout.domain}
mydestination =
local_recipient_maps =
alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = {_interfaces(layout)}
inet_protocols = all
smtp_bind_address = {mx.ipv4}
smtp_bind_address6 = {mx.ipv6}
smtp_address_preference = ipv4
maillog_file = {LOG}
biff = no

virtual_mailbox_domains = {" ".join(domains)}
virtual_mailbox_base = {MAILDIRS}
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
sender_dependent_default_transport_maps = inline:{{ {{ {layout.mailbox(SIXTEN)} = smtp6: }} }}

smtpd_client_restrictions = check_client_access regexp:{BUSY}
smtpd_helo_required = yes
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_milters = inet:127.0.0.1:{DKIM_PORT}, inet:127.0.0.1:{DMARC_PORT}
milter_default_action = tempfail
milter_connect_timeout = 60s

smtpd_tls_security_level = may
smtpd_tls_chain_files = {TLS}/mx.key, {TLS}/mx.pem
smtpd_tls_received_header = yes
smtp_tls_security_level = verify
smtp_tls_servername = hostname
smtp_tls_CAfile = {CA}
smtp_tls_loglevel = 1
smtp_address_verify_target = rcpt

# Keep trying: machines of the lab are switched off on purpose.
minimal_backoff_time = 10s
maximal_backoff_time = 20s
queue_run_delay = 10s
"""


def _interfaces(layout: Layout) -> str:
    """Where it listens: everywhere, but for where a relay has the same port at an address of its own."""
    if not any(ports.SMTP in relay.ports for relay in layout.relays):
        return "all"
    own = (f"[{address}]" if address.version == 6 else str(address) for address in layout.mx.addresses)
    return f"127.0.0.1, [::1], {', '.join(own)}"


MASTER_CF: Final = """\
smtp      inet  n       -       n       -       -       smtpd
pickup    unix  n       -       n       5       1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       10      1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
  -o inet_protocols=ipv4
smtp6     unix  -       -       n       -       -       smtp
  -o inet_protocols=ipv6
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""


def opendkim(layout: Layout) -> str:
    """Verify signatures; say the verdict in Authentication-Results."""
    return f"""\
Mode v
AuthservID {layout.mx.name}
Socket inet:{DKIM_PORT}@127.0.0.1
PidFile /run/opendkim/opendkim.pid
UserID opendkim
Syslog yes
# Its resolver library would ask the internet's root servers, not resolv.conf.
Nameservers 127.0.0.1
AlwaysAddARHeader yes
InternalHosts file:/dev/null
ExternalIgnoreList file:/dev/null
"""


def opendmarc(layout: Layout) -> str:
    """Check SPF itself, then DMARC; judge, but let everything in, so that the verdict can be read."""
    return f"""\
AuthservID {layout.mx.name}
TrustedAuthservIDs {layout.mx.name}
Socket inet:{DMARC_PORT}@127.0.0.1
PidFile /run/opendmarc/opendmarc.pid
UserID opendmarc
Syslog true
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
SPFSelfValidate true
SPFIgnoreResults true
RejectFailures false
"""
