"""The numbers of the how-to about unusual networks follow from headers' lengths."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailnix import Family, Internal, Proxy, Tunnel
from mailnix.errors import Severity
from mailnix.model import wireguard
from mailnix.model.check import problems
from mailnix.model.checks.tunnel import MTU_MIN, UDP_TAKEN
from mailnix.services.wireguard import units
from tests.descriptions import PUBLIC4, PUBLIC6, sound

PAGE = (Path(__file__).parent.parent / "docs/howto/network.md").read_text()
ROWS = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.M)
LINES = {name: tuple(int(number) for number in numbers) for name, *numbers in ROWS}

IPV4, IPV6, PPP, ICMP = 20, 40, 8, 8  # bytes of headers (RFC 791, 8200, 2516 with 1661, 792)


def test_each_lines_mtu_is_what_the_line_carries_less_wireguards_headers() -> None:
    assert len(LINES) >= 6
    for carried4, mtu4, carried6, mtu6 in LINES.values():
        assert mtu4 == wireguard.mtu(carried4, Family.IPV4)
        assert mtu6 == wireguard.mtu(carried6, Family.IPV6)


@pytest.mark.parametrize(
    ("line", "carried4", "carried6"),
    [
        ("Ethernet", 1500, 1500),
        ("PPPoE", 1500 - PPP, 1500 - PPP),
        ("DS-Lite (", 1500 - IPV6, 1500),
        ("DS-Lite over PPPoE", 1500 - PPP - IPV6, 1500 - PPP),
        ("464XLAT", 1500 - (IPV6 - IPV4), 1500),
    ],
)
def test_what_a_line_carries_is_ethernet_less_what_it_adds(line: str, carried4: int, carried6: int) -> None:
    (found,) = (numbers for name, numbers in LINES.items() if name.startswith(line))
    assert (found[0], found[2]) == (carried4, carried6)


def test_the_default_fits_where_the_page_says() -> None:
    carried = Tunnel().mtu + wireguard.OVERHEAD[Family.IPV4]
    assert f"The default, {Tunnel().mtu}, fits wherever IPv4 packets of {carried} bytes pass." in PAGE
    assert f"take {MTU_MIN}" in PAGE


def test_the_measured_number_less_32_is_the_mtu_over_both_families() -> None:
    for family, own in ((Family.IPV4, IPV4), (Family.IPV6, IPV6)):
        assert wireguard.mtu(0, family) + own + ICMP == -32
    examples = re.findall(r"-s (\d+) \S+ +# \1 is answered: (\d+)", PAGE)
    assert len(examples) == 2
    assert all(int(mtu) == int(size) - 32 for size, mtu in examples)


def test_ports_and_times_are_those_of_the_programs() -> None:
    *first, last = (str(port) for port in UDP_TAKEN)
    assert f"{', '.join(first)} and {last} are taken" in PAGE
    assert wireguard.stale_after(Tunnel().keepalive) == 3 * units.LOOK  # "for three minutes"
    assert units.LOOK * units.READMIT_AFTER == 5 * 60  # "for five minutes"


def test_what_the_journal_shows_is_what_the_program_prints() -> None:
    script = (Path(units.__file__).parent / "templates/redial.sh").read_text()
    for words in (" is down: dialling ", " anew, every minute", " now, for ", " is up again"):
        assert words in script
        assert words in PAGE


def test_what_a_home_with_ipv6_only_writes_is_sound() -> None:
    section = PAGE.partition("## A home with IPv6 only")[2].partition("\n## ")[0]
    example = re.search(r"```python\n(.*?)```", section, re.S)
    assert example is not None
    written = eval(  # our own page
        example[1].replace("Topology(", "dict("), {"Internal": Internal, "Tunnel": Tunnel}
    )
    assert not written["internal"].resolver_check
    topology = sound(proxies=[Proxy("proxy", ipv4=PUBLIC4, ipv6=PUBLIC6)], **written)
    assert not [problem for problem in problems(topology) if problem.severity is Severity.ERROR]
    refused = sound(internal=Internal("internal", forwarders=["fe80::1"]))
    assert "internal.forwarders[0]" in [p.path for p in problems(refused) if p.severity is Severity.ERROR]
