import json
import subprocess
import sys
from pathlib import Path

from attrs import evolve

from mailnix import Backup, Internal, Topology
from mailnix.plan import Plan, derive
from mailnix.run import run
from mailnix.services.activation.names import AHEAD
from mailnix.services.generations.names import CHANGES
from mailnix.services.mailcow import units
from mailnix.services.mailcow.debian import MACHINE, SETTINGS, debian
from mailnix.services.mailcow.pin import Pin
from mailnix.services.mailcow.render import files, machine_json
from mailnix.tree import Link, Tree
from tests.services.conftest import tool


def tree(plan: Plan) -> Tree:
    return Tree.of(debian(plan, plan.internal).entries)


def unit(plan: Plan, name: str) -> str:
    return str(tree(plan).file(f"/etc/systemd/system/{name}").content)


def lay(plan: Plan, root: Path) -> Path:
    for entry in tree(plan):
        path = root / entry.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry, Link):
            path.symlink_to(root / entry.target.lstrip("/"))
            continue
        path.write_bytes(entry.data)
        path.chmod(entry.mode)
    return root


def test_a_proxy_gets_nothing(plan: Plan) -> None:
    assert debian(plan, plan.proxies[0]).entries == ()


def test_settings_lie_as_they_will_in_mailcows_tree(plan: Plan) -> None:
    found = tree(plan)
    for path, text in files(plan).items():
        assert found.file(f"{SETTINGS}/{path}").content == text
    assert found.file(f"{SETTINGS}/data/hooks/postfix/mailnix-xclient.sh").mode == 0o755


def test_another_pin_can_be_asked_for(plan: Plan) -> None:
    pin = Pin("fake", "0" * 40, "sha256-x", "https://example.org")
    part = Tree.of(debian(plan, plan.internal, pin).entries)
    assert part.file("/etc/mailnix/mailcow.json").content == machine_json(plan, pin)


def test_the_programs_start_with_nothing_but_the_standard_library(plan: Plan, tmp_path: Path) -> None:
    root = lay(plan, tmp_path)
    argv = [sys.executable, "-I", "-S"]
    missing = str(tmp_path / "missing.json")
    programs = (
        (["lib/mailnix/mailcow-setup", missing], "cannot be set up"),
        (["lib/mailnix/mailcow-provision", missing], "cannot read the description"),
        (["sbin/mailcow-backup", "--config", missing], "no backup was made"),
        (["sbin/mailcow-restore", "--config", missing, "latest"], "nothing was touched"),
    )
    for (name, *rest), words in programs:
        done = subprocess.run([*argv, root / f"usr/{name}", *rest], capture_output=True, text=True, check=False)
        assert words in done.stdout, done.stderr
        assert "Traceback" not in done.stderr


def test_units_are_what_systemd_understands(plan: Plan, tmp_path: Path) -> None:
    analyze = tool("systemd-analyze")
    root = lay(plan, tmp_path)
    names = [path.name for path in (root / "etc/systemd/system").iterdir()]
    for name in names:
        done = subprocess.run(
            [analyze, "verify", "--recursive-errors=no", "--man=no", root / "etc/systemd/system" / name],
            capture_output=True,
            text=True,
            check=False,
        )
        complaints = [line for line in done.stderr.splitlines() if name in line]
        # systemd before 253 does not know OpenFile=; programs are not installed here
        known = ("OpenFile", "is not executable", "Command")
        assert [line for line in complaints if not any(word in line for word in known)] == []


def test_the_provisioner_is_hardened(plan: Plan, tmp_path: Path) -> None:
    analyze = tool("systemd-analyze")
    path = lay(plan, tmp_path) / "etc/systemd/system/mailcow-provision.service"
    argv: list[str | Path] = [analyze, "security", "--offline=true", "--threshold=40", "--no-pager", path]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "Overall exposure level" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_the_provisioner_reaches_mailcow_and_nothing_else(plan: Plan) -> None:
    text = unit(plan, "mailcow-provision.service")
    assert "IPAddressDeny=any" in text
    assert f"IPAddressAllow={plan.internal.ipv4}\n" in text
    assert f"IPAddressAllow={plan.internal.docker_subnet}\n" in text


def test_every_credential_of_mailcow_is_handed_to_a_unit(plan: Plan) -> None:
    texts = unit(plan, "mailcow.service") + unit(plan, "mailcow-provision.service")
    for credential in plan.internal.credentials:
        if credential.name.startswith("mailcow."):
            handed = (f"LoadCredential={credential.name}\n", f"OpenFile=/etc/credstore/{credential.name}:")
            assert any(line in texts for line in handed), credential.name


def test_provisioning_follows_every_start_of_mailcow_and_every_change(plan: Plan) -> None:
    wanted = {(one.unit, one.by) for one in debian(plan, plan.internal).wanted}
    assert ("mailcow-provision.service", "mailcow.service") in wanted
    assert ("mailcow-provision.path", "multi-user.target") in wanted
    path = unit(plan, "mailcow-provision.path")
    assert f"PathChanged={units.DESCRIPTION}\nUnit=mailcow-provision-again.service" in path
    assert "restart mailcow-provision.service" in unit(plan, "mailcow-provision-again.service")
    assert "PartOf=mailcow.service" in unit(plan, "mailcow-provision.service")


def test_a_unit_that_is_active_has_done_its_work(plan: Plan) -> None:
    for name in ("mailcow.service", "mailcow-provision.service"):
        assert "Type=oneshot\nRemainAfterExit=yes" in unit(plan, name)


def test_scripts_are_posix_shell(plan: Plan, tmp_path: Path) -> None:
    root = lay(plan, tmp_path)
    subprocess.run(["sh", "-n", root / "etc/mailnix/mailcow/data/hooks/postfix/mailnix-xclient.sh"], check=True)


def with_backup(topology: Topology) -> Plan:
    backup = Backup("/mnt/backups", at="Sun 04:00", keep_days=30)
    return derive(evolve(topology, internal=Internal("internal", backup=backup)))


def test_described_backups_are_made_when_described(topology: Topology) -> None:
    plan = with_backup(topology)
    assert ("mailcow-backup.timer", "timers.target") in {(w.unit, w.by) for w in debian(plan, plan.internal).wanted}
    assert "OnCalendar=Sun 04:00\n" in unit(plan, "mailcow-backup.timer")
    assert "RequiresMountsFor=/mnt/backups\n" in unit(plan, "mailcow-backup.service")
    config = json.loads(str(tree(plan).file("/etc/mailnix/mailcow.json").content))
    assert config["backup"] == {"folder": "/mnt/backups", "keep_days": 30}


def test_without_a_description_there_is_no_timer_but_the_programs_work(topology: Topology) -> None:
    plan = derive(topology)
    assert not any("timer" in entry.path for entry in tree(plan))
    config = json.loads(str(tree(plan).file("/etc/mailnix/mailcow.json").content))
    assert config["backup"] == {"folder": Backup().folder, "keep_days": Backup().keep_days}
    assert "ExecStart=/usr/lib/mailnix/mailcow-backup\n" in unit(plan, "mailcow-backup.service")


def test_the_timers_units_are_what_systemd_understands(topology: Topology, tmp_path: Path) -> None:
    test_units_are_what_systemd_understands(with_backup(topology), tmp_path)


def test_what_another_mailcow_needs_is_had_by_a_program_that_runs_where_the_package_is_unpacked(
    plan: Plan, tmp_path: Path
) -> None:
    lay(plan, tmp_path)
    told = json.loads((tmp_path / MACHINE[1:]).read_text())
    assert told["changes"] == CHANGES
    told["paths"] = {"root": str(tmp_path / "none")}
    (tmp_path / MACHINE[1:]).write_text(json.dumps(told))
    done = run([sys.executable, tmp_path / AHEAD[1:], tmp_path])
    assert (done.stdout, done.stderr) == ("", "")
    (tmp_path / MACHINE[1:]).write_text("damaged")
    assert "mailnix: Mailcow cannot come" in run([sys.executable, tmp_path / AHEAD[1:], tmp_path], check=False).stdout
