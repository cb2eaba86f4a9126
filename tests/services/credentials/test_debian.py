"""What a Debian machine gets in order to take, receive and await its credentials."""

from __future__ import annotations

from mailnix import Proxy
from mailnix.plan import Plan, derive
from mailnix.services.credentials.debian import debian
from mailnix.services.credentials.names import SHOWN
from mailnix.services.credentials.render import LIST, units
from mailnix.tree import Tree
from tests.descriptions import PUBLIC4, sound


def test_the_list_names_exactly_what_the_host_needs(plan: Plan) -> None:
    for host in plan.hosts:
        listed = Tree.of(debian(plan, host).entries).file(LIST).data.decode().splitlines()
        assert listed == sorted(credential.name for credential in host.credentials)


def test_scripts_can_be_run_and_nothing_else_can(plan: Plan) -> None:
    for entry in Tree.of(debian(plan, plan.internal).entries):
        script = entry.path.startswith("/usr/lib/mailnix/") and entry.path != LIST
        assert getattr(entry, "mode", None) == (0o755 if script else 0o644), entry.path


def test_the_seed_is_taken_before_the_network_reads_its_keys() -> None:
    unit = dict(units()["mailnix-seed.service"])["Unit"]
    assert "systemd-networkd.service" in " ".join(unit["Before"])  # type: ignore[arg-type]


def test_waiting_never_ends_by_itself() -> None:
    assert dict(units()["mailnix-credentials.service"])["Service"]["TimeoutStartSec"] == "infinity"


def test_the_units_are_started_at_boot(plan: Plan) -> None:
    wanted = {(w.unit, w.by) for w in debian(plan, plan.internal).wanted}
    assert wanted == {
        ("mailnix-seed.service", "sysinit.target"),
        ("mailnix-credentials.service", "multi-user.target"),
        ("mailnix-host-key.service", "multi-user.target"),
    }


def test_the_host_key_is_shown_once_a_boot_when_it_has_been_made() -> None:
    sections = dict(units()[SHOWN])
    assert "sshd-keygen.service" in str(sections["Unit"]["After"])
    assert (sections["Service"]["Type"], sections["Service"]["RemainAfterExit"]) == ("oneshot", True)
    assert sections["Service"]["StandardOutput"] == "journal+console"


def test_a_sealed_machine_has_no_host_key_to_show() -> None:
    plan = derive(sound(proxies=[Proxy("proxy", PUBLIC4, sealed=True)]))
    part = debian(plan, plan.proxies[0])
    assert not [entry.path for entry in part.entries if "host-key" in entry.path]
    assert SHOWN not in {wanted.unit for wanted in part.wanted}
