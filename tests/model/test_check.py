"""Every mistake is found, with its path, and none is invented."""

from __future__ import annotations

import sys
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailnix import Alias, Backup, Domain, Internal, Mailbox, Proxy, Topology, Tunnel
from mailnix.errors import ConfigError, Severity
from mailnix.model.check import ensure, problems
from mailnix.plan import derive
from tests.descriptions import PUBLIC4, PUBLIC6, many, sound


def anything(value: object) -> Any:
    """What somebody writes where another type is meant."""
    return value


def errors(topology: Topology) -> dict[str, str]:
    return {p.path: p.message for p in problems(topology) if p.severity is Severity.ERROR}


def warnings(topology: Topology) -> dict[str, str]:
    return {p.path: p.message for p in problems(topology) if p.severity is Severity.WARNING}


def with_domain(**changed: Any) -> Topology:
    fields = {"name": "example.org", "mailboxes": ["alice"], "aliases": [Alias("postmaster", ["alice"])], **changed}
    return sound(domains=[Domain(**fields)])


def with_proxy(**changed: Any) -> Topology:
    return sound(proxies=[Proxy(**{"name": "proxy", "ipv4": PUBLIC4, **changed})])


def with_backup(**changed: Any) -> Topology:
    return sound(internal=Internal("internal", backup=Backup(**changed)))


def test_a_sound_description_has_no_problem() -> None:
    assert problems(sound()) == ()
    ensure(sound())


WRONG = {
    "a host name without two dots": (sound(hostname="mailhost"), "hostname"),
    "a host name with one dot": (sound(hostname="example.net"), "hostname"),
    "a host name that is an address": (sound(hostname="192.0.2.1"), "hostname"),
    "a mail domain that is the mail host": (sound(domains=[Domain("mail.example.org", ["a"])]), "domains[0].name"),
    "a mail domain that is a proxy's host name": (
        sound(proxies=[Proxy("proxy", PUBLIC4, hostname="mx.example.org")], domains=["mx.example.org"]),
        "domains[0].name",
    ),
    "a domain twice": (sound(domains=["example.org", "Example.Org."]), "domains[1].name"),
    "an IDN domain twice, as Unicode and as A-label": (
        sound(domains=["münchen.de", "xn--mnchen-3ya.de"]),
        "domains[1].name",
    ),
    "no domain": (sound(domains=[]), "domains"),
    "a bad domain": (sound(domains=["exa mple.org"]), "domains[0].name"),
    "a domain without room for its DKIM name": (sound(domains=[".".join(["a" * 62] * 4)[:245]]), "domains[0].name"),
    "a domain that is another one's service name": (
        sound(domains=["example.org", "autoconfig.example.org"]),
        "domains[1].name",
    ),
    "a host name that is a service name": (sound(hostname="autodiscover.example.org"), "hostname"),
    "a proxy named as a policy host": (with_proxy(hostname="mta-sts.example.org"), "proxies[0].hostname"),
    **{
        f"a selector that is {why}": (with_domain(dkim_selector=text), "domains[0].dkim_selector")
        for why, text in {
            "two words": "no good",
            "empty": "",
            "begun by a dot": ".a",
            "ended by a dot": "a.",
            "without one label": "a..b",
            "without letters": "_._",
            "begun by a dash": "-a",
            "of a label too long": f"{'a' * 64}.b",
            "not ASCII": "\u017felector",
            "of two lines": "a\n",
        }.items()
    },
    "an unknown DMARC policy": (with_domain(dmarc="hard"), "domains[0].dmarc"),
    "an unknown MTA-STS mode": (with_domain(mta_sts=""), "domains[0].mta_sts"),
    "a mailbox twice": (with_domain(mailboxes=["alice", "Alice"]), "domains[0].mailboxes[1].local_part"),
    "an alias that is a mailbox": (
        with_domain(aliases=[Alias("alice", ["alice"])]),
        "domains[0].aliases[0].local_part",
    ),
    "an alias twice": (
        with_domain(aliases=[Alias("a", ["alice"]), Alias("a", ["alice"])]),
        "domains[0].aliases[1].local_part",
    ),
    "a bad local part": (with_domain(mailboxes=["alice", "a b"]), "domains[0].mailboxes[1].local_part"),
    "a bad quota": (with_domain(mailboxes=[Mailbox("alice", "plenty")]), "domains[0].mailboxes[0].quota"),
    "a tiny quota": (with_domain(mailboxes=[Mailbox("alice", 5)]), "domains[0].mailboxes[0].quota"),
    "a bad limit": (
        with_domain(mailboxes=[Mailbox("alice", sends_per_hour="many")]),  # type: ignore[arg-type]
        "domains[0].mailboxes[0].sends_per_hour",
    ),
    "a negative limit": (
        with_domain(mailboxes=[Mailbox("alice", sends_per_hour=-1)]),
        "domains[0].mailboxes[0].sends_per_hour",
    ),
    "a huge quota": (with_domain(mailboxes=[Mailbox("alice", "9" * 500)]), "domains[0].mailboxes[0].quota"),
    "a name with a line break": (
        with_domain(mailboxes=[Mailbox("alice", name="a\nb")]),
        "domains[0].mailboxes[0].name",
    ),
    "an alias without target": (with_domain(aliases=[Alias("x")]), "domains[0].aliases[0].to"),
    "an alias to nobody": (with_domain(aliases=[Alias("x", ["nobody"])]), "domains[0].aliases[0].to[0]"),
    "an alias to nobody, written in full": (
        with_domain(aliases=[Alias("x", "no@example.org")]),
        "domains[0].aliases[0].to[0]",
    ),
    "an alias to no address": (with_domain(aliases=[Alias("x", ["alice", "a@b@c"])]), "domains[0].aliases[0].to[1]"),
    "an alias to itself": (with_domain(aliases=[Alias("x", ["x"])]), "domains[0].aliases[0].to"),
    "an alias loop": (with_domain(aliases=[Alias("x", ["y"]), Alias("y", ["alice", "x"])]), "domains[0].aliases[0].to"),
    "an alias loop over two domains": (
        sound(
            domains=[Domain("a.org", aliases=[Alias("x", "x@b.org")]), Domain("b.org", aliases=[Alias("x", "x@A.org")])]
        ),
        "domains[0].aliases[0].to",
    ),
    "no proxy": (sound(proxies=[]), "proxies"),
    "a proxy twice": (
        sound(proxies=[Proxy("p", PUBLIC4), Proxy("p", "5.9.100.2", hostname="mx2.example.org")]),
        "proxies[1].name",
    ),
    "a proxy named as the internal host": (with_proxy(name="internal"), "internal.name"),
    "a bad machine name": (with_proxy(name="Proxy 1"), "proxies[0].name"),
    "a bad proxy host name": (with_proxy(hostname="mx"), "proxies[0].hostname"),
    "a proxy host name twice": (
        sound(proxies=[Proxy(n, f"5.9.100.{i}", hostname="mx.example.org") for i, n in enumerate("pq", 1)]),
        "proxies[1].hostname",
    ),
    "an address twice": (
        sound(proxies=[Proxy("p", PUBLIC4), Proxy("q", PUBLIC4, hostname="mx2.example.org")]),
        "proxies[1].ipv4",
    ),
    "an address that is none": (with_proxy(ipv4="300.1.1.1"), "proxies[0].ipv4"),
    "an address with a prefix": (with_proxy(ipv4="5.9.100.1/24"), "proxies[0].ipv4"),
    "an IPv6 address as IPv4": (with_proxy(ipv4=PUBLIC6), "proxies[0].ipv4"),
    "an IPv6 address with an interface": (with_proxy(ipv6=f"{PUBLIC6}%eth0"), "proxies[0].ipv6"),
    "a bad admin network": (with_proxy(admin_cidrs=["192.0.2.0/33"]), "proxies[0].admin_cidrs[0]"),
    "an admin network that is broadcast": (with_proxy(admin_cidrs=["255.255.255.255"]), "proxies[0].admin_cidrs[0]"),
    "an admin network that nobody has": (with_proxy(admin_cidrs=["0.0.0.0"]), "proxies[0].admin_cidrs[0]"),
    "an admin network of reserved addresses": (with_proxy(admin_cidrs=["240.0.0.0/4"]), "proxies[0].admin_cidrs[0]"),
    "an IPv4 admin network in IPv6 form": (with_proxy(admin_cidrs=["::ffff:1.2.3.4"]), "proxies[0].admin_cidrs[0]"),
    "a bad home network for SSH": (sound(internal=Internal("internal", ["home"])), "internal.lan_admin_cidrs[0]"),
    "a bad home network": (sound(internal=Internal("internal", lan="192.168")), "internal.lan"),
    "tunnel and Docker overlap": (sound(tunnel=Tunnel("172.22.0.0/16")), "internal.docker_subnet"),
    "home and tunnel overlap": (
        sound(tunnel=Tunnel("10.0.0.0/24"), internal=Internal("internal", lan="10.0.0.0/8")),
        "internal.lan",
    ),
    "home and Docker overlap": (sound(internal=Internal("internal", lan="172.22.1.64/26")), "internal.lan"),
    "IPv6 tunnel and Docker overlap": (
        sound(internal=Internal("internal", docker_subnet6="fd6d:6169:6c6e::/48")),
        "internal.docker_subnet6",
    ),
    "a Docker network of another size": (
        sound(internal=Internal("internal", docker_subnet="172.22.0.0/16")),
        "internal.docker_subnet",
    ),
    "a Docker network that is an address": (
        sound(internal=Internal("internal", docker_subnet="172.22.1.1/24")),
        "internal.docker_subnet",
    ),
    "a backup folder that is not absolute": (with_backup(folder="backups"), "internal.backup.folder"),
    "backups all over the disk": (with_backup(folder="/"), "internal.backup.folder"),
    "a backup folder that a script would split": (with_backup(folder="/mnt/my disk"), "internal.backup.folder"),
    "a backup folder that leads elsewhere": (with_backup(folder="/mnt/../etc"), "internal.backup.folder"),
    "backups that are gone after a start": (with_backup(folder="/run/backups"), "internal.backup.folder"),
    "backups in what is backed up": (with_backup(folder="/var/lib/docker/b"), "internal.backup.folder"),
    "a backup at no time": (with_backup(at=""), "internal.backup.at"),
    "a backup at an hour that no day has": (with_backup(at="25:30"), "internal.backup.at"),
    "a backup at a time in words": (with_backup(at="at night"), "internal.backup.at"),
    "backups that are kept for no day": (with_backup(keep_days=0), "internal.backup.keep_days"),
    "backups that are kept for ages": (with_backup(keep_days=10**9), "internal.backup.keep_days"),
    "a backup that is a word": (sound(internal=Internal("internal", backup=anything("nightly"))), "internal.backup"),
    "a tunnel that is public": (sound(tunnel=Tunnel("8.8.8.0/24")), "tunnel.subnet"),
    "a tunnel that is partly public": (sound(tunnel=Tunnel("10.0.0.0/4")), "tunnel.subnet"),
    "a tunnel too small": (sound(tunnel=Tunnel("10.0.0.0/31")), "tunnel.subnet"),
    "a tunnel too small for its proxies": (
        sound(
            tunnel=Tunnel("10.0.0.0/30"),
            proxies=[Proxy(f"p{i}", f"5.9.100.{i}", hostname=f"mx{i}.example.org") for i in (1, 2)],
        ),
        "tunnel.subnet",
    ),
    "an IPv6 tunnel too small": (sound(tunnel=Tunnel(subnet6="fd00::/126")), "tunnel.subnet6"),
    "a tunnel port that is none": (sound(tunnel=Tunnel(port=70000)), "tunnel.port"),
    "a tunnel port of ours": (sound(tunnel=Tunnel(port=53)), "tunnel.port"),
    "an MTU too small": (sound(tunnel=Tunnel(mtu=1000)), "tunnel.mtu"),
    "an MTU too large": (sound(tunnel=Tunnel(mtu=9000)), "tunnel.mtu"),
    "no keepalive": (sound(tunnel=Tunnel(keepalive=0)), "tunnel.keepalive"),
    "a contact that is none": (sound(contact="postmaster"), "contact"),
    "a time zone that is none": (sound(timezone="Mars/Olympus"), "timezone"),
    "a time zone outside": (sound(timezone="../../etc/passwd"), "timezone"),
    "a future version": (sound(version=2), "version"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_found_at_its_path_and_stops_the_work(case: tuple[Topology, str]) -> None:
    topology, path = case
    assert path in errors(topology)
    with pytest.raises(ConfigError):
        ensure(topology)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("10.1.2.3", "private"),
        ("172.31.0.1", "private"),
        ("192.168.1.1", "private"),
        ("127.0.0.1", "loopback"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("100.127.255.254", "carrier-grade NAT"),
        ("169.254.1.1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("0.0.0.0", "unspecified"),
        ("198.18.0.1", "benchmarking"),
    ],
)
def test_a_proxy_address_that_the_internet_does_not_reach_is_an_error(address: str, kind: str) -> None:
    assert kind in errors(with_proxy(ipv4=address))["proxies[0].ipv4"]


@pytest.mark.parametrize(
    "address", ["::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:5.9.1.1", "2002:509::1", "4000::1"]
)
def test_an_ipv6_address_that_the_internet_does_not_reach_is_an_error(address: str) -> None:
    assert "proxies[0].ipv6" in errors(with_proxy(ipv6=address))


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("ipv4", "192.0.2.1"),
        ("ipv4", "198.51.100.1"),
        ("ipv4", "203.0.113.1"),
        ("ipv6", "2001:db8::1"),
        ("ipv6", "3fff::1"),
    ],
)
def test_an_address_for_examples_is_a_warning(field: str, address: str) -> None:
    topology = with_proxy(**{field: address})
    assert errors(topology) == {}
    assert f"proxies[0].{field}" in warnings(topology)


QUESTIONABLE = {
    "no postmaster": (with_domain(aliases=[]), "domains[0]"),
    "an empty domain": (sound(domains=["example.org"]), "domains[0]"),
    "a domain that cannot exist": (with_domain(name="lab.test"), "domains[0].name"),
    "a target twice": (
        with_domain(aliases=[Alias("x", ["alice", "alice@example.org"])]),
        "domains[0].aliases[0].to[1]",
    ),
    "an alias to an address elsewhere": (
        with_domain(aliases=[Alias("postmaster", ["me+mail@elsewhere.net"])]),
        "domains[0].aliases[0].to[0]",
    ),
    "SSH from everywhere": (with_proxy(admin_cidrs=["0.0.0.0/0"]), "proxies[0].admin_cidrs[0]"),
    "a contact elsewhere": (sound(contact="me@elsewhere.net"), "contact"),
    "an MTU in two pieces": (sound(tunnel=Tunnel(mtu=1500)), "tunnel.mtu"),
    "a slow keepalive": (sound(tunnel=Tunnel(keepalive=600)), "tunnel.keepalive"),
    "two proxies of one name": (sound(proxies=[Proxy("p", PUBLIC4), Proxy("q", "5.9.100.2")]), "proxies[1].hostname"),
}


@pytest.mark.parametrize("case", QUESTIONABLE.values(), ids=QUESTIONABLE.keys())
def test_what_deserves_a_second_look_is_a_warning_and_does_not_stop_the_work(case: tuple[Topology, str]) -> None:
    topology, path = case
    assert path in warnings(topology)
    ensure(topology)


FINE = {
    "an IDN domain": with_domain(name="bücher.de"),
    "an alias to another domain of ours": sound(
        domains=[
            Domain("a.org", ["x"], [Alias("postmaster", "x")]),
            Domain("b.org", aliases=[Alias("postmaster", "x@a.org")]),
        ]
    ),
    "an alias chain": with_domain(aliases=[Alias("postmaster", ["b"]), Alias("b", ["c"]), Alias("c", ["alice"])]),
    "two ways to one mailbox": with_domain(
        aliases=[Alias("postmaster", ["b", "c"]), Alias("b", ["alice"]), Alias("c", ["alice"])]
    ),
    "two proxies": sound(
        proxies=[Proxy("p", PUBLIC4, hostname="mx1.example.org"), Proxy("q", "5.9.100.2", hostname="mx2.example.org")]
    ),
    "selectors of others": sound(
        domains=[
            Domain(f"d{number}.example.org", ["postmaster"], dkim_selector=text)
            for number, text in enumerate(["mail_2021", "_a", "a_", "S1.eu-west_1.mail", "a" * 63, "0"])
        ]
    ),
    "a time zone": sound(timezone="Europe/Berlin"),
    "a CGNAT tunnel": sound(tunnel=Tunnel("100.64.7.0/24")),
}


@pytest.mark.parametrize("topology", FINE.values(), ids=FINE.keys())
def test_what_is_allowed_is_not_complained_about(topology: Topology) -> None:
    assert problems(topology) == ()


def test_all_mistakes_are_reported_at_once() -> None:
    topology = sound(hostname="x", contact="y", timezone="z/z", proxies=[Proxy("A", "nothing")], domains=["-.org"])
    assert set(errors(topology)) >= {
        "hostname",
        "contact",
        "timezone",
        "proxies[0].name",
        "proxies[0].ipv4",
        "domains[0].name",
    }
    with pytest.raises(ConfigError, match=r"6 mistakes in mail\.py"):
        ensure(topology, "mail.py")


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.binary(max_size=4),
    st.builds(dict), st.lists(st.one_of(st.none(), st.text(max_size=4), st.integers()), max_size=2),
    st.just(Mailbox("x")), st.just(Domain("x.org")), st.just(object()), st.just(Proxy),
)  # fmt: skip


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_nothing_that_a_script_can_write_makes_the_check_raise(data: st.DataObject) -> None:
    def spoilt(kind: type, good: dict[str, Any]) -> Any:
        names = [a.name for a in attrs.fields(kind)]
        junk = data.draw(st.dictionaries(st.sampled_from(names), JUNK, max_size=2))
        return kind(**{**good, **junk})

    mailbox = spoilt(Mailbox, {"local_part": "alice"})
    alias = spoilt(Alias, {"local_part": "postmaster", "to": ["alice"]})
    domain = spoilt(Domain, {"name": "example.org", "mailboxes": [mailbox], "aliases": [alias]})
    proxy = spoilt(Proxy, {"name": "proxy", "ipv4": PUBLIC4})
    fields = {
        "hostname": "mail.example.org",
        "proxies": [proxy],
        "internal": spoilt(Internal, {"name": "internal"}),
        "tunnel": spoilt(Tunnel, {}),
        "domains": [domain],
    }
    topology = spoilt(Topology, fields)
    if not errors(topology):
        derive(topology)  # what passes the check can be planned


@pytest.mark.parametrize(
    ("topology", "path", "said"),
    [
        (sound(domains=[{"name": "example.org"}]), "domains[0]", "a dict, not a Domain"),
        (with_domain(mailboxes=[5]), "domains[0].mailboxes[0]", "the number 5, not a Mailbox"),
        (with_domain(mailboxes=[Mailbox(anything(5))]), "domains[0].mailboxes[0].local_part", "not a text"),
        (sound(internal=anything(Alias("x"))), "internal", "an Alias, not an Internal"),
        (with_domain(mailboxes=[object()]), "domains[0].mailboxes[0]", "an object, not a Mailbox"),
        (sound(internal=None), "internal", "None, not an Internal"),
        (sound(tunnel=Tunnel(port=anything("51820"))), "tunnel.port", "the text '51820', not a whole number"),
        (sound(tunnel=Tunnel(port=True)), "tunnel.port", "the value True"),
        (sound(proxies=None), "proxies[0]", "None, not a Proxy"),
        (with_proxy(ipv4=None), "proxies[0].ipv4", "None, not a text"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_what_was_wanted(topology: Topology, path: str, said: str) -> None:
    assert said in errors(topology)[path]


def test_a_long_chain_of_aliases_is_followed_without_recursion() -> None:
    chain = [Alias(f"a{n}", [f"a{n + 1}"]) for n in range(5000)]
    assert errors(with_domain(aliases=[*chain, Alias("a5000", ["alice"])])) == {}
    assert len(errors(with_domain(aliases=[*chain, Alias("a5000", ["a0"])]))) == 1


def test_the_effort_grows_with_the_description_and_not_faster() -> None:
    def calls(domains: int) -> int:
        topology = many(domains)
        count = 0

        def counted(_frame: object, event: str, _argument: object) -> None:
            nonlocal count
            count += event == "call"

        sys.setprofile(counted)
        try:
            problems(topology)
            derive(topology)
        finally:
            sys.setprofile(None)
        return count

    calls(1)  # fills the caches
    assert calls(200) < 4.2 * calls(50)


@pytest.mark.parametrize(
    ("written", "meant"), [("::ffff:1.2.3.4", "1.2.3.4/32"), ("::ffff:192.168.1.0/120", "192.168.1.0/24")]
)
def test_an_ipv4_network_in_ipv6_form_is_named_in_its_own(written: str, meant: str) -> None:
    (problem,) = problems(sound(internal=Internal("internal", [written], backup=Backup())))
    assert problem.path == "internal.lan_admin_cidrs[0]"
    assert problem.hint == f"write {meant}"
