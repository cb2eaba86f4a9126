"""The lab's root is signed by its own program, and a real unbound believes it by what proxies are told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.zone
import pytest

from mailnix import run
from mailnix.debian.host import assemble
from mailnix.lab.internet import internet, trust
from mailnix.lab.internet.authority import new_authority
from mailnix.lab.internet.layout import INTERNET, TLS, Layout
from mailnix.lab.internet.zones import PUBLISHED, ROOT
from mailnix.plan import Plan
from rig import signed_dns
from rig.signed_dns import Authority

signs = pytest.mark.skipif(shutil.which("dnssec-signzone") is None, reason="dnssec-signzone is not installed")
believes = pytest.mark.skipif(bool(signed_dns.missing()), reason=signed_dns.missing())

Sign = Callable[[], Path]


@pytest.fixture
def sign(plan: Plan, layout: Layout, tmp_path: Path) -> Sign:
    """Sign the internet's root as its unit does; gives the folder that has what came of it."""
    tree = assemble(INTERNET, (internet(plan),)).tree
    tls, cache = tmp_path / "tls", tmp_path / "cache"
    for folder in (tls, cache):
        folder.mkdir()
    for name, data in new_authority(layout).internet_files.items():
        (tls / name).write_bytes(data)
    (tmp_path / "published").write_bytes(tree.file(PUBLISHED).data)
    text = tree.file(ROOT).data.decode().replace(PUBLISHED, str(tmp_path / "published")).replace(TLS, str(tls))
    (tmp_path / "root").write_text(text)
    (tmp_path / "sign.py").write_bytes(tree.file(trust.SIGNER).data)
    names = (Path(trust.SIGNED).name, Path(trust.ANCHOR).name)

    def signed() -> Path:
        run.run(["python3", tmp_path / "sign.py", tmp_path / "root", *(cache / name for name in names)])
        return cache

    return signed


@signs
def test_every_start_signs_with_the_key_of_the_first(sign: Sign) -> None:
    anchor = (sign() / "root.key").read_text()
    assert anchor.startswith(". IN DNSKEY 257 3 13 ")
    assert (sign() / "root.key").read_text() == anchor
    assert len(list((sign()).glob("K*.private"))) == 1


@signs
@believes
def test_a_proxys_unbound_vouches_for_what_is_there_and_for_what_is_not(
    sign: Sign, layout: Layout, tmp_path: Path
) -> None:
    made = sign()
    zone = dns.zone.from_text((made / "root.signed").read_text(), origin=".", relativize=False)
    root = Authority("127.9.9.1", (zone,), (made / "root.key").read_text().strip(), frozenset())
    told = trust.unbound_conf(root.address, root.anchor)
    root.open()
    try:
        with signed_dns.resolver(tmp_path / "unbound", "127.9.9.2", root, told):
            for name, kind, there in (
                ("_25._tcp.mx.tlsa-right.elsewhere.test", "TLSA", True),
                ("_25._tcp.mx.sts-right.elsewhere.test", "TLSA", False),
                ("_mta-sts.sts-wrong.elsewhere.test", "TXT", True),
                ("example.org", "MX", True),
                *((address.reverse_pointer, "PTR", True) for address in layout.client.addresses),
                *((address.reverse_pointer, "PTR", True) for address in layout.mx.addresses),
            ):
                answer = dns.query.udp(dns.message.make_query(name, kind, want_dnssec=True), "127.9.9.2", timeout=10)
                assert answer.flags & dns.flags.AD, name
                assert bool(answer.answer) is there, name
    finally:
        root.close()


class Machine:
    def __init__(self, events: list[str]) -> None:
        self.events = events

    def wait_for_unit(self, unit: str) -> None:
        self.events.append(f"wait for {unit}")

    def read_file(self, path: str) -> bytes:
        self.events.append(f"read {path}")
        return b". IN DNSKEY 257 3 13 abc\n"

    def write_file(self, path: str, content: bytes) -> None:
        self.events.append(f"write {path}: {content.decode()}")

    def succeed(self, command: str) -> str:
        self.events.append(command)
        return ""


def test_the_root_is_told_once_it_is_signed_and_unbound_starts_anew(layout: Layout) -> None:
    events: list[str] = []
    trust.tell(layout, Machine(events), [Machine(events)])
    waited, read, written, restarted = events
    assert (waited, read) == ("wait for named.service", f"read {trust.ANCHOR}")
    assert 'trust-anchor: ". IN DNSKEY 257 3 13 abc"\n' in written
    assert f"stub-addr: {layout.dns.ipv4}\n" in written
    assert restarted.endswith("|| systemctl --no-block try-restart unbound.service")
