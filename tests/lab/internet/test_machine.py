from __future__ import annotations

import shutil
import subprocess
from pathlib import Path, PurePath

import dns.rdatatype
import dns.zone
import pytest

from mailnix import Proxy
from mailnix.debian.host import assemble
from mailnix.lab.internet import internet, network
from mailnix.lab.internet.acme import caddyfile
from mailnix.lab.internet.authority import Authority, install, leaf_names, new_authority
from mailnix.lab.internet.layout import ACME_NAME, INTERNET, Layout
from mailnix.lab.internet.layout import layout as layouts
from mailnix.lab.internet.receivers import TLSA
from mailnix.lab.internet.zones import PUBLISHED, ROOT
from mailnix.plan import Plan
from mailnix.tree import File
from mailnix.zones.zone import zone_text
from tests.lab.internet.places import in_every_place, planned


def root_zone(plan: Plan) -> dns.zone.Zone:
    tree = assemble(INTERNET, (internet(plan),)).tree
    text = tree.file(ROOT).data.decode().replace(f'$INCLUDE "{PUBLISHED}"', tree.file(PUBLISHED).data.decode())
    text = text.replace(f'$INCLUDE "{TLSA}"', "")
    return dns.zone.from_text(text, origin=".", relativize=False)


def found(zone: dns.zone.Zone, name: str, kind: str) -> set[str]:
    data = zone.get_rdataset(name + ".", kind)
    return {item.to_text() for item in data} if data else set()


def test_the_internet_serves_the_zone_text_that_is_to_be_published(plan: Plan) -> None:
    tree = assemble(INTERNET, (internet(plan),)).tree
    assert tree.file(PUBLISHED).content == zone_text(plan.records)


def test_every_planned_record_can_be_looked_up(plan: Plan) -> None:
    zone = root_zone(plan)
    missing = [r for r in plan.records if not r.placeholder and not found(zone, r.name, r.type)]
    assert missing == []


def test_reverse_names_of_proxies_and_strangers_are_confirmed_forwards(plan: Plan, layout: Layout) -> None:
    zone = root_zone(plan)
    addresses = [a for proxy in plan.proxies for a in (proxy.ipv4, proxy.ipv6) if a]
    addresses += [a for identity in layout.identities for a in identity.addresses]
    for address in addresses:
        (name,) = found(zone, address.reverse_pointer, "PTR")
        forward = found(zone, name.rstrip("."), "A") | found(zone, name.rstrip("."), "AAAA")
        assert str(address) in forward


def test_lets_encrypt_is_the_internets(plan: Plan, layout: Layout) -> None:
    assert found(root_zone(plan), ACME_NAME, "A") == {str(layout.acme.ipv4)}
    assert ACME_NAME in caddyfile(layout)


def test_the_home_router_lets_nobody_in(layout: Layout) -> None:
    text = network.nft(layout)
    assert f"snat ip to {layout.nat.ipv4}" in text
    assert text.index("established,related accept") < text.index("drop")


def test_a_public_address_that_is_on_no_card_is_translated_for_those_who_ask_and_those_who_are_asked() -> None:
    plan = planned(Proxy("one", ipv4="203.0.113.10", card_ipv4="10.0.0.9"))
    lines = network.nft(layouts(plan)).splitlines()
    assert lines.count("\t\tip daddr 203.0.113.10 dnat ip to 10.0.0.9") == 2
    assert lines.count('\t\tiifname "net0" ip saddr 10.0.0.9 snat ip to 203.0.113.10') == 2


@in_every_place
def test_every_address_of_every_card_has_a_route_of_its_own(plan: Plan) -> None:
    found = layouts(plan)
    for segment in found.segments:
        text = network.segment_network(segment)
        assert all(f"Destination={a}/{a.max_prefixlen}\n" in text for port in segment.ports for a in port.addresses)
    assert f"Destination={found.home.host4}/32\n" in network.home_network(found.home)


def test_the_name_that_home_dials_can_be_looked_up() -> None:
    plan = planned(Proxy("one", ipv4="203.0.113.10", ipv6="2001:db8:1::1", endpoint="vpn.elsewhere.example"))
    zone = root_zone(plan)
    assert found(zone, "vpn.elsewhere.example", "A") == {"203.0.113.10"}
    assert found(zone, "vpn.elsewhere.example", "AAAA") == {"2001:db8:1::1"}


def test_a_name_that_home_dials_and_that_is_published_is_there_once() -> None:
    zone = root_zone(planned(Proxy("one", ipv4="203.0.113.10", endpoint="mail.example.org")))
    assert found(zone, "mail.example.org", "A") == {"203.0.113.10"}


def test_units_are_wanted_that_are_there(plan: Plan) -> None:
    part = internet(plan)
    ours = {entry.path.rsplit("/", 1)[-1] for entry in part.entries}
    assert {wanted.unit for wanted in part.wanted} <= ours


def test_the_image_has_no_key(plan: Plan) -> None:
    tree = assemble(INTERNET, (internet(plan),)).tree
    assert not [e.path for e in tree if isinstance(e, File) and b"PRIVATE KEY" in e.data]


def test_leaf_certificates_are_the_roots_and_carry_their_names(layout: Layout) -> None:
    from cryptography import x509

    made = new_authority(layout)
    root = x509.load_pem_x509_certificate(made.certificate)
    for name, expected in leaf_names(layout).items():
        leaf = x509.load_pem_x509_certificate(made.internet_files[f"{name}.pem"])
        leaf.verify_directly_issued_by(root)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == list(expected)


def test_an_authority_shows_no_key(layout: Layout) -> None:
    assert "PRIVATE" not in repr(new_authority(layout))


class Recorder:
    def __init__(self) -> None:
        self.events: list[str] = []

    def put(self, path: str, data: bytes) -> None:
        assert data
        self.events.append(path)

    def succeed(self, command: str) -> str:
        self.events.append(command)
        return ""


def test_nothing_starts_before_the_last_certificate_is_there(layout: Layout) -> None:
    recorder = Recorder()
    install(recorder, Authority(b"root", {"ca.pem": b"1", "ca.key": b"2"}))
    assert recorder.events[1:-1] == ["/etc/mailnix-internet/tls/ca.pem", "/etc/mailnix-internet/tls/ca.key"]
    assert recorder.events[-1].endswith("touch /etc/mailnix-internet/tls/ready")


@pytest.mark.skipif(shutil.which("named-checkzone") is None, reason="named-checkzone is not installed")
def test_bind_takes_the_zone(plan: Plan, layout: Layout, tmp_path: Path) -> None:
    tree = assemble(INTERNET, (internet(plan),)).tree
    (tmp_path / "published").write_bytes(tree.file(PUBLISHED).data)
    (tmp_path / "tlsa").write_bytes(new_authority(layout).internet_files[PurePath(TLSA).name])
    text = tree.file(ROOT).data.decode().replace(PUBLISHED, str(tmp_path / "published"))
    text = text.replace(TLSA, str(tmp_path / "tlsa"))
    (tmp_path / "root").write_text(text)
    subprocess.run(["named-checkzone", ".", str(tmp_path / "root")], check=True)


@pytest.mark.skipif(shutil.which("nft") is None, reason="nft is not installed")
def test_nft_reads_the_home_routers_rules(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "rules").write_text(network.nft(layout))
    done = subprocess.run(["nft", "-c", "-f", str(tmp_path / "rules")], capture_output=True, text=True, check=False)
    assert "syntax error" not in done.stderr
