"""Port numbers, each typed here and nowhere else; those of mail programs are in client_ports.toml.

Well-known ones are from the IANA registry.
"""

from __future__ import annotations

from typing import Final

SSH: Final = 22
SMTP: Final = 25
DNS: Final = 53
DHCP: Final = 68  # a client's
HTTP: Final = 80
NTP: Final = 123
HTTPS: Final = 443
DHCPV6: Final = 546  # a client's

RELAY: Final = 2526  # haraka-out, on the tunnel only
BANS: Final = 2527  # a proxy takes the list of whom Mailcow has banned, on the tunnel only
MAILCOW_HTTP: Final = 8080  # Mailcow's nginx, on the tunnel only
MAILCOW_HTTPS: Final = (
    8443  # the same with Mailcow's own certificate, on loopback, for its watchdog and the home network
)
