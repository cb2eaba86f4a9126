"""The port numbers, for whoever reads the plan; typed in `mailnix.model.ports`, where checks need them too."""

from mailnix.model.ports import (
    CLIENT_PORTS,
    DNS,
    HTTP,
    HTTPS,
    IMAPS,
    MAILCOW_HTTP,
    NTP,
    RELAY,
    SMTP,
    SSH,
    SUBMISSION,
    SUBMISSIONS,
)

__all__ = [
    "CLIENT_PORTS",
    "DNS",
    "HTTP",
    "HTTPS",
    "IMAPS",
    "MAILCOW_HTTP",
    "NTP",
    "RELAY",
    "SMTP",
    "SSH",
    "SUBMISSION",
    "SUBMISSIONS",
]
