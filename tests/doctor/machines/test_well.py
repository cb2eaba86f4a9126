"""A system on which all is well gives no finding but that."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from mailnix import Backup, Internal, Proxy
from mailnix.doctor.machines import facts, internal, proxy
from mailnix.doctor.machines.facts import Facts
from mailnix.doctor.machines.seen import Machines, Seen
from mailnix.doctor.registry import Group
from mailnix.doctor.values import Answer, Finding
from mailnix.plan import derive
from tests.descriptions import sound
from tests.doctor.machines import well


def found(group: Group[Machines], *machines: Seen) -> list[Finding]:
    return [check.finding(verdict) for check in group.checks for verdict in check.judge(machines)]


@pytest.mark.parametrize("nixos", [False, True], ids=["Debian", "NixOS"])
def test_a_well_proxy_gives_no_finding_but_that(nixos: bool) -> None:
    said = well.on_nixos(well.proxy()) if nixos else well.proxy()
    findings = found(proxy.GROUP, well.seen(said, well.PROXY))
    assert [each for each in findings if each.answer is not Answer.WELL] == []
    assert {each.id for each in findings} == {check.id for check in proxy.GROUP.checks}


@pytest.mark.parametrize("nixos", [False, True], ids=["Debian", "NixOS"])
def test_a_well_machine_at_home_gives_no_finding_but_that(nixos: bool) -> None:
    said = well.on_nixos(well.home()) if nixos else well.home()
    findings = found(internal.GROUP, well.seen(said, well.HOME))
    assert [each for each in findings if each.answer is not Answer.WELL] == []
    assert {each.id for each in findings} == {check.id for check in internal.GROUP.checks}


def passing(name: str, said: Any) -> tuple[Facts, str]:
    """What happens on a machine that is well; another one for each name."""
    return evolve(well.proxy(), **{name: said}), name


TRANSIENT = (
    passing("tunnels", (facts.Tunnel("wg0", mtu=1420, handshake=179.0),)),
    passing("tunnels", (facts.Tunnel("wg0", mtu=1420, handshake=240.0),)),  # three lost attempts
    passing("queue", facts.Queue(400, 600.0, 0)),  # a mailing list
    passing("queue", facts.Queue(9, 4.9 * well.DAY, 9)),  # a receiver that is away for days
    passing("memory", facts.Memory(well.GIB, well.GIB // 50, well.GIB, well.GIB // 3)),
    passing("clock", facts.Clock(False, well.NOW.timestamp() + 2, 90.0)),  # just booted
    passing("clock", facts.Clock(True, well.NOW.timestamp() + 40, well.DAY, "a.ntp.example", 0.4)),
    passing("updates", facts.Updates(("openssl",), lists=3600.0, upgraded=20 * 3600.0, born=90 * well.DAY)),
    passing("updates", facts.Updates((), lists=None, upgraded=None, born=3600.0)),  # made an hour ago
    passing("disks", (facts.Disk("/", 20 * well.GIB, 3 * well.GIB, 0, 0),)),  # btrfs counts no files
    passing(
        "port25",
        {
            "ipv4": (facts.Try("a", True, False, "no answer"), facts.Try("b", True, True, "220 b")),
            "ipv6": (facts.Try("a", False, False, "no address"), facts.Try("b", True, True, "421 busy")),
        },
    ),
    passing("generation", facts.Generation(None)),  # as its image was made
)


@pytest.mark.parametrize(("said", "_name"), TRANSIENT)
def test_what_passes_by_itself_is_no_finding(said: Facts, _name: str) -> None:
    findings = found(proxy.GROUP, well.seen(said, well.PROXY))
    assert [each for each in findings if each.answer is not Answer.WELL] == []


def test_a_home_that_is_a_day_old_has_no_backup_yet_and_is_well() -> None:
    said = evolve(well.home(), backup=facts.Backups(False, born=well.DAY))
    findings = found(internal.GROUP, well.seen(said, well.HOME))
    assert [each for each in findings if each.answer is not Answer.WELL] == []


def test_where_no_backup_is_described_none_is_missed() -> None:
    plan = derive(sound(internal=Internal("internal")))
    said = evolve(well.home(plan), backup=facts.Backups(False, born=300 * well.DAY))
    findings = found(internal.GROUP, well.seen(said, plan.internal, plan))
    assert [each for each in findings if each.answer is not Answer.WELL] == []


def test_a_proxy_without_ipv6_is_not_asked_for_mail_over_it() -> None:
    plan = derive(sound(proxies=[Proxy("proxy", ipv4="5.9.100.1")], internal=Internal("internal", backup=Backup())))
    said = well.proxy(plan, plan.proxies[0])
    said = evolve(said, port25={"ipv4": (said.port25 or {})["ipv4"]})
    findings = found(proxy.GROUP, well.seen(said, plan.proxies[0], plan))
    assert "proxy.port25.ipv6" not in {each.id for each in findings}
    assert {each.answer for each in findings} == {Answer.WELL}


def test_every_id_begins_with_its_groups_name_and_is_there_once() -> None:
    for group in (proxy.GROUP, internal.GROUP):
        ids = [check.id for check in group.checks]
        assert len(ids) == len({*ids})
        assert all(each.startswith(f"{group.name}.") for each in ids)
