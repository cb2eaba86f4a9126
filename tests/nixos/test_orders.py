"""Orderings and requirements that the design needs are in the units of built NixOS machines and of Debian's."""

from __future__ import annotations

import pytest

from mailnix.debian.host import debian_host
from mailnix.plan import HostPlan, Plan, derive
from tests.nixos import golden, orders
from tests.versions.emitted import topologies

UNIT = "etc/systemd/system/mailcow-backup.service"
TIMER = "etc/systemd/system/mailcow-backup.timer"
BACKUP = ("backup", "regular")
TEXTS = {
    UNIT: "[Unit]\nAfter=mailcow.service\nRequires=mailcow.service\n",
    TIMER: "[Timer]\nOnCalendar=daily\n",
    "etc/systemd/system/timers.target.wants/mailcow-backup.timer": "",
}


def hosts() -> list[tuple[Plan, HostPlan]]:
    return [(plan, host) for plan in map(derive, topologies()) for host in plan.hosts]


@pytest.mark.parametrize(("plan", "host"), hosts(), ids=lambda each: getattr(each, "name", ""))
def test_debians_units_are_in_the_order_that_is_needed(plan: Plan, host: HostPlan) -> None:
    texts = orders.of_debian(debian_host(plan, host))
    assert orders.faults(texts, *orders.sections(host, "debian")) == []


@pytest.mark.parametrize("host", derive(topologies()[0]).hosts, ids=lambda host: host.name)
def test_nixos_units_are_in_the_order_that_is_needed(host: HostPlan) -> None:
    assert orders.faults(golden.kept()[host.name], *orders.sections(host, "nixos")) == []


def test_what_is_as_it_must_be_has_no_faults() -> None:
    assert orders.faults(TEXTS, *BACKUP) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("After=mailcow.service", "", ["After=mailcow.service is missing"]),
        ("Requires", "Wants", ["Requires=mailcow.service is missing"]),
        (
            "Requires=mailcow",
            "Requires=mailcow-dockerized",
            ["Requires=mailcow-dockerized.service is too much", "Requires=mailcow.service is missing"],
        ),
        ("[Unit]", "[Unit]\nPartOf=docker.service", ["PartOf=docker.service is too much"]),
        ("[Unit]", "[Unit]\nAfter=docker.service", []),
    ],
)
def test_what_is_lost_or_too_much_is_named(old: str, new: str, said: list[str]) -> None:
    texts = {**TEXTS, UNIT: TEXTS[UNIT].replace(old, new)}
    assert texts != TEXTS
    assert orders.faults(texts, *BACKUP) == [f"mailcow-backup.service: {each}" for each in said]


def test_a_unit_that_nothing_starts_is_named() -> None:
    texts = {UNIT: TEXTS[UNIT], TIMER: TEXTS[TIMER]}
    assert orders.faults(texts, *BACKUP) == ["mailcow-backup.timer: WantedBy=timers.target is missing"]


def test_a_unit_that_is_gone_or_new_is_named() -> None:
    assert orders.faults({}, *BACKUP) == ["mailcow-backup.service: not there", "mailcow-backup.timer: not there"]
    texts = {**TEXTS, "etc/systemd/system/haraka-new.socket": "[Socket]\n"}
    assert orders.faults(texts, *BACKUP) == ["haraka-new.socket: not in orders.toml"]
