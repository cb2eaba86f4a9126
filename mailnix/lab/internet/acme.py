"""The ACME authority: Debian's Caddy, answering under Let's Encrypt's name with the lab's own root certificate.

Beside that it has the policies of the mail domains elsewhere that speak MTA-STS.
"""

from __future__ import annotations

from collections.abc import Iterator

from mailnix.lab.internet.layout import ACME_NAME, TLS, Layout
from mailnix.lab.internet.receivers import Receiver, mta_sts, policy
from mailnix.tree import Entry, File


def entries(layout: Layout) -> Iterator[Entry]:
    """Caddy's configuration; it runs as root because the lab's key is root's."""
    yield File("/etc/caddy/Caddyfile", caddyfile(layout))
    yield File("/etc/systemd/system/caddy.service.d/internet.conf", CADDY_UNIT)


def caddyfile(layout: Layout) -> str:
    """An ACME server whose directory is where Let's Encrypt has it, and the policies."""
    policies = "".join(_policy(layout, receiver) for receiver in mta_sts(layout))
    return f"""\
{{
	admin off
	auto_https disable_redirects
	skip_install_trust
	pki {{
		ca lab {{
			name "mailnix lab"
			root {{
				cert {TLS}/ca.pem
				key {TLS}/ca.key
			}}
		}}
	}}
}}

https://{ACME_NAME} {{
	bind {layout.acme.ipv4}
	tls {TLS}/acme.pem {TLS}/acme.key
	rewrite /directory /acme/lab/directory
	acme_server {{
		ca lab
	}}
}}
{policies}"""


def _policy(layout: Layout, receiver: Receiver) -> str:
    return f"""
https://{receiver.policy_host} {{
	bind {layout.acme.ipv4}
	tls {TLS}/acme.pem {TLS}/acme.key
	header Content-Type text/plain
	respond /.well-known/mta-sts.txt "{policy(receiver)}"
}}
"""


CADDY_UNIT = """\
[Unit]
After=named.service

[Service]
User=root
Group=root
Environment=HOME=/var/lib/caddy
ExecReload=
"""
