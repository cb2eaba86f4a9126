"""Names of machines: mistakes in those that are still answered to."""

from __future__ import annotations

import pytest

from mailnix import Domain, Proxy, Relay
from mailnix.model.check import problems
from tests.descriptions import PUBLIC4, sound


@pytest.mark.parametrize(
    ("names", "path", "why"),
    [
        (["mail.example.org"], "former_hostnames[0]", "is hostname, and not a former one"),
        (["mx1.example.org"], "former_hostnames[0]", "is proxies[0].hostname"),
        (["old.example.net", "Old.example.net."], "former_hostnames[1]", "is former_hostnames[0]"),
        (["192.0.2.1"], "former_hostnames[0]", "is an address"),
        ([7], "former_hostnames[0]", "not a text"),
        (["example.org"], "domains[0].name", "is also the name of a machine"),
        (["autoconfig.example.org"], "former_hostnames[0]", "is needed for"),
        (["autoconfig.example.net"], "former_hostnames[0]", "is needed for domains[1]"),  # of a mirror
        (["example.net"], "domains[1].name", "is also the name of a machine"),
        (["mail.lan"], "former_hostnames[0]", "no authority gives a certificate"),
    ],
)
def test_a_former_host_name_that_cannot_be_one_is_found(names: list[str], path: str, why: str) -> None:
    domains = [Domain("example.org", ["postmaster"]), Domain("example.net", alias_of="example.org")]
    proxies = [Proxy("p", PUBLIC4, hostname="mx1.example.org")]
    found = problems(sound(proxies=proxies, domains=domains, former_hostnames=names))
    assert [why in problem.message for problem in found if problem.path == path] == [True]


def test_a_former_host_name_is_no_ones_backup_nor_relay() -> None:
    domain = Domain("example.org", ["postmaster"], backup_mx="mx.old.example")
    relay = Relay("mx.old.example", spf="a")
    found = problems(sound(domains=[domain], relays=[relay], former_hostnames="mx.old.example"))
    assert {problem.path for problem in found} == {"domains[0].backup_mx[0]", "relays[0].host"}


def test_a_former_host_name_leads_to_every_proxy_so_home_cannot_dial_it() -> None:
    endpoints = ("old.example.org", None)
    proxies = [
        Proxy(f"p{n}", f"5.9.100.{n}", hostname=f"mx{n}.example.org", endpoint=e) for n, e in enumerate(endpoints, 1)
    ]
    (problem,) = problems(sound(proxies=proxies, former_hostnames=["old.example.org"]))
    assert (problem.path, problem.message) == ("proxies[0].endpoint", "old.example.org leads to every proxy")
    one = [Proxy("p1", "5.9.100.1", endpoint="old.example.org")]
    assert problems(sound(proxies=one, former_hostnames=["old.example.org"])) == ()


def test_a_sound_one_is_not_mentioned() -> None:
    assert problems(sound(former_hostnames=["mx.old.example", "old.example.org"])) == ()
