"""A proxy that asks its own resolver for everything, and whose clock is wrong: a real unbound, below a signed root."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

from mailnix.plan import Plan
from mailnix.run import spawn
from mailnix.services.unbound.render import Value, server, text
from rig import signed_dns
from rig.waiting import answers, free_net, until
from tests.services.conftest import tool

pytestmark = pytest.mark.skipif(bool(signed_dns.missing()), reason=signed_dns.missing() or "runs")

TIME, OTHER = "0.debian.pool.ntp.org", "mx.example.net"
RIGHT = "0"  # no other time than the clock's
BEFORE = "20200101000000"  # of no signature here


@contextmanager
def resolver(plan: Plan, folder: Path, clock: str) -> Iterator[str]:
    """The proxy's unbound, at an address of its own, as if its clock showed `clock`."""
    net = free_net()
    address = f"{net}.53"
    authority = signed_dns.authority(f"{net}.54", [f"{name}. 60 IN A 192.0.2.1" for name in (TIME, OTHER)])
    (folder / "root.hints").write_text(f". 60 IN NS ns.\nns. 60 IN A {authority.address}\n")
    (folder / "root.key").write_text(authority.anchor + "\n")
    settings: dict[str, Value] = {**server(plan.proxies[0]), "interface": (address,), "do-not-query-localhost": False}
    settings |= {"root-hints": f'"{folder}/root.hints"', "trust-anchor-file": f'"{folder}/root.key"'}
    settings |= {"directory": f'"{folder}"', "chroot": '""', "username": '""', "pidfile": '""', "use-syslog": False}
    settings |= {"val-override-date": f'"{clock}"'}
    control = "remote-control:\n  control-enable: no\n"
    (folder / "unbound.conf").write_text(text(settings) + control)
    authority.open()
    try:
        with spawn([tool("unbound"), "-d", "-c", folder / "unbound.conf"], folder / "log"):
            until(lambda: answers(53, address), "unbound answers")
            yield address
    finally:
        authority.close()


def asked(address: str, name: str) -> dns.rcode.Rcode:
    return dns.query.udp(dns.message.make_query(name, "A"), address, timeout=20).rcode()


def test_a_resolver_whose_clock_is_right_validates_and_answers(plan: Plan, tmp_path: Path) -> None:
    with resolver(plan, tmp_path, RIGHT) as address:
        assert [asked(address, name) for name in (TIME, OTHER)] == [dns.rcode.NOERROR, dns.rcode.NOERROR]


def test_with_a_wrong_clock_the_time_servers_are_found_all_the_same(plan: Plan, tmp_path: Path) -> None:
    with resolver(plan, tmp_path, BEFORE) as address:
        assert asked(address, OTHER) == dns.rcode.SERVFAIL
        assert asked(address, TIME) == dns.rcode.NOERROR
