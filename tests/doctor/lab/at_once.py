"""Fifteen faults of all kinds at once, on every machine and in what is published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from tests.doctor.lab.fault import Fault, absent, at, published, together, wrong
from tests.doctor.lab.of_home import OF_HOME
from tests.doctor.lab.of_names import NET, ORG, PTR4, text
from tests.doctor.lab.of_proxies import OF_PROXIES
from tests.doctor.lab.of_strangers import OF_STRANGERS
from tests.doctor.lab.practice import Practice

PLACES: Final = ("dns", "proxy", "internal", "outside")
"""Groups that look: without those who send mail, which rightly says of some that it does not travel."""

RECORDS: Final = {
    "dns.mx": absent(at(NET, "MX")),
    "dns.ptr": wrong(at(PTR4, "PTR"), "vps66.provider.example."),
    "dns.spf": wrong(at(NET, "TXT"), text("v=spf1 ip4:198.18.0.66 -all")),
    "dns.dkim": absent(at(f"dkim._domainkey.{NET}", "TXT")),
    "dns.dmarc": absent(at(f"_dmarc.{NET}", "TXT")),
    "dns.srv": wrong(at(f"_imaps._tcp.{ORG}", "SRV"), "0 1 993 imap.provider.example."),
}
MACHINES: Final = (
    ("proxy.disk", "the disk is nearly full"),
    ("proxy.queue", "a mail is stuck in the queue"),
    ("proxy.drift", "somebody has edited a file"),
    ("proxy.firewall", "a rule of the firewall is missing"),
    ("internal.admin", "nobody knows the admin's password"),
    ("internal.credentials", "others may read a credential"),
    ("internal.drift", "somebody has edited a unit"),
    ("internal.units", "a timer was stopped"),
    ("outside.port", "a port is closed on the way"),
)
IDS: Final = {*RECORDS, *(id for id, _ in MACHINES)}


def faults() -> tuple[Fault, ...]:
    """Those of machines."""
    known = {(each.id, each.name): each for each in (*OF_PROXIES, *OF_HOME, *OF_STRANGERS)}
    return tuple(known[each] for each in MACHINES)


@contextmanager
def fifteen(practice: Practice) -> Iterator[None]:
    """All of them."""
    with ExitStack() as stack:
        stack.enter_context(published(together(*RECORDS.values()))(practice))
        for each in faults():
            stack.enter_context(each.breaks(practice))
        yield
