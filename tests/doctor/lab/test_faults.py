"""The faults of a lab, without one: there are as many as promised, and what is done for each can be done."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final, cast

import dns.rdatatype
import dns.zone
import pytest
from attrs import define, field

from mailnix.config import load
from mailnix.doctor.e2e.judge import CHECKS as OF_TRIPS
from mailnix.doctor.registry import groups
from mailnix.lab.internet.authority import new_authority
from mailnix.lab.internet.layout import layout
from mailnix.lab.internet.receivers import TLSA
from mailnix.lab.scenario import Scene
from mailnix.plan import DnsRecord, PublicKeys, derive
from mailnix.run import run
from tests.doctor.lab import at_once
from tests.doctor.lab.fault import Breaks, Fault
from tests.doctor.lab.internet import anchor, whole_zone
from tests.doctor.lab.of_home import OF_HOME
from tests.doctor.lab.of_names import OF_NAMES
from tests.doctor.lab.of_proxies import OF_PROXIES
from tests.doctor.lab.of_strangers import OF_MAIL, OF_STRANGERS
from tests.doctor.lab.practice import Practice

EXAMPLE: Final = Path(__file__).resolve().parents[3] / "docs/examples/two_machines.py"
PLAN: Final = derive(load(EXAMPLE), PublicKeys({"example.org": "TUlJQklq", "example.net": "TUlJQklr"}))
LAYOUT: Final = layout(PLAN)
FAULTS: Final = (*OF_NAMES, *OF_PROXIES, *OF_HOME, *OF_STRANGERS, *OF_MAIL)
IDS: Final = {check.id for group in groups() for check in group.checks} | {check.id for check in OF_TRIPS}


@define
class Recording:
    """A machine that does nothing, and has each command read by a shell."""

    files: dict[str, bytes]
    commands: list[str] = field(factory=list)

    def succeed(self, command: str, *, timeout: float = 0.0) -> str:
        run(("sh", "-n", "-c", command))
        self.commands.append(command)
        return '{"messages": []}'

    def read_file(self, path: str) -> bytes:
        return self.files[Path(path).name]


@define
class Zones:
    """Has each zone read as a name server would."""

    scene: Scene
    seen: list[set[tuple[str, str, str]]] = field(factory=list)

    def publish(
        self, records: Collection[DnsRecord] | None = None, more: Collection[str] = (), *, spoilt: bool = False
    ) -> None:
        text = whole_zone(self.scene, PLAN.records if records is None else records, more, len(self.seen) + 2 + spoilt)
        zone = dns.zone.from_text(text.replace(f'$INCLUDE "{TLSA}"', ""), ".", relativize=False)
        self.seen.append(
            {(str(name), dns.rdatatype.to_text(data.rdtype), data.to_text()) for name, _, data in zone.iterate_rdatas()}
        )

    change = publish

    def lapse(self) -> None:
        self.publish()

    def asked(self, name: str, kind: str) -> None:
        return None


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return dict(new_authority(LAYOUT).internet_files)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.id}: {fault.name}")
def test_a_fault_is_made_and_mended_by_what_can_be_done(fault: Fault, files: dict[str, bytes]) -> None:
    commands, broken = made_and_mended(fault.breaks, files)
    assert len(commands) >= 2 or len(broken) >= 1
    assert {fault.id, *fault.also, *fault.unasked} <= IDS
    assert {only for only in fault.only if "." in only} <= IDS


def made_and_mended(breaks: Breaks, files: dict[str, bytes]) -> tuple[list[str], list[set[tuple[str, str, str]]]]:
    """What machines were told, and which zones were published meanwhile; the last one is as described."""
    machines = {name: Recording(files) for name in ("internet", *(host.name for host in PLAN.hosts))}
    scene = Scene(PLAN, LAYOUT, machines, cast(Any, None))
    names = Zones(scene)
    practice = cast(Practice, type("Fake", (), {"scene": scene, "names": names, **_places(scene)}))
    with breaks(practice):
        broken = [*names.seen]
    if broken:
        names.publish()
        mended, healthy = ({each for each in seen if each[1] != "SOA"} for seen in names.seen[-2:])
        assert mended == healthy
    return [command for machine in machines.values() for command in machine.commands], broken


def test_fifteen_are_made_at_once_and_mended(files: dict[str, bytes]) -> None:
    commands, (zone,) = made_and_mended(at_once.fifteen, files)
    assert len(at_once.IDS) == 15
    assert len(commands) == 2 * len(at_once.faults())
    asked = {(name, kind) for name, kind, _ in zone}
    assert ("_dmarc.example.org.", "TXT") in asked
    assert not asked & {("_dmarc.example.net.", "TXT"), ("dkim._domainkey.example.net.", "TXT"), ("example.net.", "MX")}


def _places(scene: Scene) -> dict[str, Any]:
    return {
        "proxy": scene.guest(PLAN.proxies[0].name),
        "home": scene.internal,
        "internet": scene.internet,
    }


def test_there_are_more_faults_than_forty_and_each_has_a_name_of_its_own() -> None:
    assert len({(fault.id, fault.name) for fault in FAULTS}) == len(FAULTS) >= 40


def test_a_key_is_told_to_a_resolver_as_it_wants_it() -> None:
    assert anchor(". 3600 IN DNSKEY 257 3 13 abc def==\n") == '257 3 13 "abcdef=="'
