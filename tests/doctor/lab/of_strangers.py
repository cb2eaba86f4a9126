"""Faults that strangers meet, and those of mail on its way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.doctor.lab.fault import PROXY, Breaks, Fault, on, published
from tests.doctor.lab.of_home import postfix
from tests.doctor.lab.of_names import mixed_up
from tests.doctor.lab.of_proxies import provider
from tests.doctor.lab.practice import Practice

HERE: Final = ("outside",)
CADDY: Final = "/run/other.Caddyfile"
LOAD: Final = "caddy reload --adapter caddyfile --force --config"


def served(change: str) -> Breaks:
    """Caddy has been told something else than what stands in its file."""
    return on(
        PROXY,
        f"sed -e '{change}' /etc/caddy/Caddyfile > {CADDY}; ! cmp -s {CADDY} /etc/caddy/Caddyfile && {LOAD} {CADDY}",
        f"{LOAD} /etc/caddy/Caddyfile; rm -f {CADDY}",
    )


@contextmanager
def busy(practice: Practice) -> Iterator[None]:
    """The far server lets nobody in for now."""
    try:
        practice.scene.post("busy", state="on")
        yield
    finally:
        practice.scene.post("busy", state="off")


SUBMISSION: Final = "submission/inet"
ANYBODY: Final = "permit_mynetworks,reject"
OPEN: Final = (
    "mynetworks=0.0.0.0/0,[::]/0",
    *(f"smtpd_{which}_restrictions=" for which in ("client", "sender")),
    *(f"smtpd_{which}_restrictions={ANYBODY}" for which in ("relay", "recipient")),
)
"""Everybody counts as of ours: Postfix does not start where nothing is ever refused (postconf(5))."""
OF_STRANGERS: Final = (
    Fault(
        "a port is closed on the way",
        "outside.port",
        provider("ip daddr 203.0.113.10 tcp dport 993 reject with tcp reset"),
        HERE,
    ),
    Fault(
        "anybody may send through submission",
        "outside.relay",
        postfix(" ".join(("-P", *(f'"{SUBMISSION}/{setting}"' for setting in OPEN)))),
        HERE,
    ),
    Fault(
        "passwords are taken without TLS",
        "outside.login",
        postfix(f'-P "{SUBMISSION}/smtpd_tls_auth_only=no" "{SUBMISSION}/smtpd_tls_security_level=may"'),
        HERE,
    ),
    Fault(
        "mail programs are told another port",
        "outside.settings",
        served("s/<port>993</<port>1993</"),
        HERE,
    ),
    Fault(
        "another policy is served",
        "dns.mta_sts_policy",
        served("s/^mode: testing/mode: none/"),
        ("dns", "outside"),
    ),
    Fault(
        "Mailcow does not know on whose behalf the proxy speaks",
        "proxy.xclient",
        postfix("-P smtpd/pass/smtpd_authorized_xclient_hosts="),
        ("proxy", "internal"),
    ),
    Fault(
        "Mailcow takes the proxy's word where people log in",
        "proxy.xclient.elsewhere",
        postfix(f"-P {SUBMISSION}/smtpd_authorized_xclient_hosts=10.0.0.0/8"),
        ("proxy", "internal"),
    ),
)
OF_MAIL: Final = (
    Fault(
        "signatures are by a key that is not published",
        "e2e.out",
        published(mixed_up),
        ("dns", "e2e.out"),
        also=("dns.dkim",),
    ),
    Fault("the far server greylists", "e2e.out", busy, ("e2e.out",), patience=30.0),
)
