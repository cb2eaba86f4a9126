"""What machines are asked follows from the plan, and stays small."""

from __future__ import annotations

from mailnix import Internal
from mailnix.doctor.machines.asked import MOST_SHOWN, asked, questions, wanted_units
from mailnix.plan import derive
from tests.descriptions import many, sound
from tests.doctor.machines import well

MANY = derive(many(300))


def test_a_proxy_with_hundreds_of_domains_is_asked_for_each_file_and_for_a_few_certificates() -> None:
    told = asked(MANY, MANY.proxies[0], ["served", "files"])
    web = [place["name"] for place in told["served"]["places"] if place["port"] == 443]
    assert web[0] == "mail.example.org"
    assert len(web) == MOST_SHOWN
    assert len(told["files"]) == len(MANY.proxies[0].certificate.names) > 600


def test_only_what_is_wanted_is_told_and_nothing_of_another_kind_of_machine() -> None:
    assert [*asked(well.PLAN, well.PROXY, ["queue", "mailq", "disks"])] == ["disks", "queue"]
    assert {"mailq", "backup", "admin"}.isdisjoint(questions(well.PROXY))


def test_tunnels_are_asked_for_by_each_machines_own_name_for_them() -> None:
    assert asked(well.PLAN, well.HOME, ["tunnels"]) == {"tunnels": ["wg-proxy"]}
    assert asked(well.PLAN, well.PROXY, ["mtu"])["mtu"] == [
        {"interface": "wg0", "peer": str(well.HOME.ipv4), "mtu": well.PROXY.tunnel.mtu}
    ]


def test_a_backup_that_is_described_has_a_timer_that_must_run() -> None:
    without = derive(sound(internal=Internal("internal")))
    assert "mailcow-backup.timer" in wanted_units(well.PLAN, well.HOME)
    assert "mailcow-backup.timer" not in wanted_units(without, without.internal)
