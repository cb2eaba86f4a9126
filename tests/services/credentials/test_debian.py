"""What a Debian machine gets in order to take, receive and await its credentials."""

from __future__ import annotations

from mailnix import Proxy
from mailnix.plan import Plan, derive
from mailnix.services.credentials.debian import debian
from mailnix.services.credentials.names import LABEL, LABEL_FAT, LATE, SCRIPTS, SHOWN
from mailnix.services.credentials.render import LIST, rules, units
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


def test_host_key_and_addresses_are_shown_once_a_boot_when_they_are_there() -> None:
    sections = dict(units()[SHOWN])
    assert {"sshd-keygen.service", "network-online.target"} <= set(str(sections["Unit"]["After"]).split())
    assert (sections["Service"]["Type"], sections["Service"]["RemainAfterExit"]) == ("oneshot", True)


def test_a_seed_disk_that_comes_late_is_taken_when_udev_finds_it() -> None:
    assert f'ENV{{ID_FS_LABEL}}=="{LABEL}|{LABEL_FAT}"' in rules()
    assert f'ENV{{SYSTEMD_WANTS}}+="{LATE.replace("@.", "@%k.")}"' in rules()
    assert dict(units()[LATE])["Service"]["ExecStart"] == f"{SCRIPTS}/seed /dev/%i"


def test_a_label_fits_into_its_file_system() -> None:
    assert len(LABEL) <= 16  # ext4(5)
    assert len(LABEL_FAT) <= 11


def test_a_sealed_machine_has_no_host_key_to_show() -> None:
    plan = derive(sound(proxies=[Proxy("proxy", PUBLIC4, sealed=True)]))
    part = debian(plan, plan.proxies[0])
    assert not [entry.path for entry in part.entries if "host-key" in entry.path]
    assert SHOWN not in {wanted.unit for wanted in part.wanted}
