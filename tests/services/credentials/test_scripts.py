"""The scripts as they run on a machine, with the programs that need one played by small stand-ins."""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import tarfile
import threading
from pathlib import Path

import pytest
from attrs import define

from mailnix.plan import Plan
from mailnix.run import Completed, run
from mailnix.services.credentials.names import HOST_KEY, LABEL, LABEL_FAT
from mailnix.services.credentials.render import SCRIPT_NAMES, SHOW, names_text, script

# What the scripts call beyond coreutils. `mount` shows the disk's content, `log` keeps what was asked for.
CERTS = "/etc/ssl/certs"
PATHS = (
    "/etc/credstore",
    "/etc/ssh",
    "/etc/systemd/system",
    "/var/lib/mailnix",
    "/usr/local/share",
    "/run/mailnix",
    "/run/credentials",
    "/usr/lib/mailnix",
    CERTS,
)
STAND_INS = {
    "udevadm": "exit 0",
    "blkid": 'label=${4#LABEL=}; [ "$(cat "$MACHINE/label" 2>/dev/null)" = "$label" ] && echo /dev/vdb || exit 2',
    "mount": 'for last; do :; done; rmdir "$last"; ln -s "$MACHINE/disk" "$last"',
    "umount": 'rm "$1"; mkdir "$1"',
    "update-ca-certificates": 'echo update-ca-certificates >>"$MACHINE/log"',
    "ip": 'case $* in *" show "*) cat "$MACHINE/addresses" 2>/dev/null ;; *) echo "ip $*" >>"$MACHINE/log" ;; esac',
    "systemctl": 'case $1 in is-active) [ -e "$MACHINE/ready" ] ;; *) echo "systemctl $*" >>"$MACHINE/log" ;; esac',
    "sync": "exit 0",
}
A, B = "haraka.internalcmd", "network.wireguard.preshared.wg0"
"""Two of the proxy's."""

REMADE = ["ip link delete wg0", "systemctl restart systemd-networkd.service"]


@define
class Machine:
    """A folder in the place of a machine's root."""

    root: Path
    needs: tuple[str, ...]

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def run(self, name: str, *words: str, stdin: bytes = b"", check: bool = True) -> Completed:
        env = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "MACHINE": str(self.root)}
        return run(["sh", self.root / "scripts" / name, *words], env=env, stdin=stdin, check=check, timeout=30)

    def attach(
        self,
        seed_id: str,
        credentials: dict[str, str],
        *,
        certificate: str = "",
        replace: bool = False,
        label: str = LABEL,
    ) -> None:
        disk = self.root / "disk"
        (self.root / "label").write_text(label)
        shutil.rmtree(disk, ignore_errors=True)
        (disk / "credstore").mkdir(parents=True)
        for name, text in credentials.items():
            (disk / "credstore" / name).write_text(text)
        if certificate:
            (disk / "ca-certificates").mkdir()
            (disk / "ca-certificates/mailnix-1.crt").write_text(certificate)
        if replace:
            (disk / "replace").touch()
        (disk / "id").write_text(f"{seed_id}\n")

    def has(self) -> dict[str, str]:
        store = self.path("/etc/credstore")
        return {file.name: file.read_text() for file in sorted(store.iterdir())} if store.is_dir() else {}

    def network_starts(self) -> None:
        """networkd is given what is there."""
        given = self.path("/run/credentials/systemd-networkd.service")
        shutil.rmtree(given, ignore_errors=True)
        given.mkdir(parents=True)
        for name, text in self.has().items():
            if name.startswith("network.wireguard."):
                (given / name).write_text(text)

    def log(self) -> list[str]:
        log = self.root / "log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, plan: Plan) -> Machine:
    host = plan.proxies[0]
    (tmp_path / "bin").mkdir()
    (tmp_path / "scripts").mkdir()
    (tmp_path / CERTS.lstrip("/")).mkdir(parents=True)
    for name, text in STAND_INS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    for name in SCRIPT_NAMES:
        text = script(name)
        for place in PATHS:
            text = text.replace(place, f"{tmp_path}{place}")
        assert not re.search(r"(?<![\w./-])/(etc|run|usr|var)\b", text), "a place of this machine itself"
        (tmp_path / "scripts" / name).write_text(text)
    (tmp_path / "usr/lib/mailnix").mkdir(parents=True)
    (tmp_path / "usr/lib/mailnix/credentials").write_text(names_text(host))
    return Machine(tmp_path, tuple(credential.name for credential in host.credentials))


def packed(files: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return sink.getvalue()


def test_without_a_seed_disk_nothing_happens(machine: Machine) -> None:
    assert machine.run("seed").stdout == ""
    assert machine.has() == {}


def test_a_link_that_leads_nowhere_is_removed_for_networkd_would_not_start_with_it(machine: Machine) -> None:
    store = machine.path("/etc/credstore")
    store.mkdir(parents=True)
    (machine.root / "laid").write_text("x")
    (store / "haraka.internalcmd").symlink_to(machine.root / "laid")
    (store / "network.wireguard.private.wg9").symlink_to("/run/secrets/gone")
    assert "network.wireguard.private.wg9" in machine.run("seed").stdout
    assert machine.has() == {"haraka.internalcmd": "x"}
    assert machine.run("seed").stdout == ""


def test_a_seed_disk_is_copied_with_private_modes(machine: Machine) -> None:
    machine.attach("1", {A: "one", B: "two"})
    said = machine.run("seed").stdout
    assert "took 2 credentials" in said
    assert "one" not in said
    assert machine.has() == {A: "one", B: "two"}
    store = machine.path("/etc/credstore")
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in store.iterdir()} == {0o600}
    assert not machine.path("/run/mailnix-seed/disk").is_symlink()


@pytest.mark.parametrize("label", [LABEL, LABEL_FAT])
def test_a_seed_disk_is_known_by_its_label_on_every_file_system(machine: Machine, label: str) -> None:
    machine.attach("1", {A: "one"}, label=label)
    machine.run("seed")
    assert machine.has() == {A: "one"}


def test_another_disk_is_left_alone(machine: Machine) -> None:
    machine.attach("1", {A: "one"}, label="HOLIDAYS")
    assert machine.run("seed").stdout == ""
    assert machine.has() == {}


def test_a_disk_that_comes_late_is_taken_by_its_name_and_once(machine: Machine) -> None:
    machine.attach("1", {A: "one"}, label="whatever blkid says")
    assert "took 1 credentials" in machine.run("seed", "/dev/sdb1").stdout
    assert machine.has() == {A: "one"}
    assert machine.run("seed", "/dev/sdb1").stdout == ""


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("mailcow.dkim", "mailcow.dkim"),  # home's: the disks have been mixed up
        ("ssh.authorized_keys.root", "ssh.authorized_keys.root"),  # systemd.system-credentials(7) lets this one log in
        ("\x1b[2J", "??2J"),  # what a terminal would obey
    ],
)
def test_nothing_is_taken_from_a_disk_that_is_not_this_machines(
    machine: Machine, name: str, shown: str, replace: bool
) -> None:
    machine.attach("1", {A: "one", name: "x"}, certificate="PEM", replace=replace)
    said = machine.run("seed", check=False)
    assert said.status == 1
    assert said.stdout.startswith(
        f"mailnix: nothing is taken from the seed disk /dev/vdb: {shown} is not a credential of"
    )
    assert machine.has() == {}
    assert not machine.path("/usr/local/share/ca-certificates/mailnix-1.crt").exists()
    machine.attach("1", {A: "one"})
    machine.run("seed")
    assert machine.has() == {A: "one"}


def test_a_seed_disk_that_cannot_be_read_is_said_to_be(machine: Machine) -> None:
    (machine.root / "bin/mount").write_text("#!/bin/sh\nexit 32\n")
    machine.attach("1", {A: "one"})
    said = machine.run("seed", check=False)
    assert (said.status, said.stdout) == (
        1, "mailnix: the seed disk /dev/vdb cannot be read; make it anew (mailnix secrets seed)\n",
    )  # fmt: skip
    assert machine.has() == {}


def test_what_a_machine_has_stays_unless_the_disk_may_replace_it(machine: Machine) -> None:
    machine.attach("1", {A: "one"})
    machine.run("seed")
    machine.attach("2", {A: "new", B: "two"})
    machine.run("seed")
    assert machine.has() == {A: "one", B: "two"}
    machine.attach("3", {A: "newest"}, replace=True)
    machine.run("seed")
    assert machine.has() == {A: "newest", B: "two"}


def test_a_disk_that_stays_attached_does_not_undo_a_later_push(machine: Machine) -> None:
    machine.attach("1", {A: "one"}, replace=True)
    machine.run("seed")
    (machine.path("/etc/credstore") / A).write_text("pushed")
    assert machine.run("seed").stdout == ""
    assert machine.has() == {A: "pushed"}


def test_certificates_are_trusted_once(machine: Machine) -> None:
    machine.attach("1", {}, certificate="PEM")
    machine.run("seed")
    machine.attach("2", {}, certificate="PEM")
    machine.run("seed")
    assert machine.path("/usr/local/share/ca-certificates/mailnix-1.crt").read_text() == "PEM"
    assert machine.path("/etc/ssl/certs/ca-certificates.crt").read_text() == "PEM"


def test_a_bundle_that_is_not_there_yet_is_for_everybody_to_read(machine: Machine) -> None:
    bundle = machine.path("/etc/ssl/certs/ca-certificates.crt")
    machine.attach("1", {}, certificate="PEM")
    machine.run("seed")
    anchor = machine.path("/usr/local/share/ca-certificates/mailnix-1.crt")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (bundle, anchor, anchor.parent)] == [0o644, 0o644, 0o755]


def test_a_machine_with_its_credentials_does_not_wait(machine: Machine) -> None:
    machine.attach("1", dict.fromkeys(machine.needs, "x"))
    machine.run("seed")
    machine.network_starts()
    assert machine.run("wait-for-credentials").stdout == ""
    assert machine.log() == []


def test_a_tunnel_whose_keys_came_after_networkd_is_made_again(machine: Machine) -> None:
    machine.network_starts()
    machine.attach("1", dict.fromkeys(machine.needs, "x"))
    machine.run("seed")
    machine.run("wait-for-credentials")
    assert machine.log() == REMADE
    machine.network_starts()
    (machine.path("/etc/credstore") / "network.wireguard.private.wg0").write_text("y")
    machine.run("wait-for-credentials")
    assert machine.log() == [*REMADE, *REMADE]


def test_keys_that_are_links_to_where_a_tool_lays_secrets_are_read_there(machine: Machine) -> None:
    machine.attach("1", dict.fromkeys(machine.needs, "x"))
    machine.run("seed")
    laid = machine.root / "run-secrets"
    machine.path("/etc/credstore").rename(laid)
    machine.path("/etc/credstore").mkdir()
    for name in machine.needs:
        (machine.path("/etc/credstore") / name).symlink_to(laid / name)
    machine.network_starts()
    machine.run("wait-for-credentials")
    assert machine.log() == []


def test_a_machine_without_them_says_so_waits_and_restarts_the_network(machine: Machine) -> None:
    machine.path("/etc/credstore").mkdir(parents=True)

    def arrive() -> None:
        for name in machine.needs:
            (machine.path("/etc/credstore") / name).write_text("x")

    late = threading.Timer(0.3, arrive)
    late.start()
    said = machine.run("wait-for-credentials").stdout
    late.join()
    assert f"waits for {len(machine.needs)} of its credentials" in said
    assert "mailnix secrets seed" in said
    assert said.rstrip().endswith("has its credentials")
    assert machine.log() == REMADE
    assert "host key" not in said


def test_a_machine_shows_its_host_key_whether_or_not_credentials_are_missing(machine: Machine) -> None:
    machine.path("/etc/ssh").mkdir(parents=True)
    machine.path(HOST_KEY).write_text(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs x"
    )
    said = machine.run(SHOW).stdout
    machine.attach("1", dict.fromkeys(machine.needs, "x"))
    machine.run("seed")
    assert machine.run(SHOW).stdout == said
    (line,) = [line for line in said.splitlines() if "host key" in line]
    assert re.fullmatch(r"mailnix: its SSH host key is (256 SHA256:\S{43} .*|ssh-ed25519 \S{68})", line)


ADDRESSES = """\
2: ens3    inet 203.0.113.10/24 brd 203.0.113.255 scope global ens3\\       valid_lft forever preferred_lft forever
2: ens3    inet6 2001:db8::10/64 scope global \\       valid_lft forever preferred_lft forever
3: wg0    inet 10.0.0.1/24 scope global wg0\\       valid_lft forever preferred_lft forever
4: docker0    inet 172.17.0.1/16 scope global docker0\\       valid_lft forever preferred_lft forever
"""


def test_a_machine_shows_its_addresses_in_the_networks_of_others(machine: Machine) -> None:
    (machine.root / "addresses").write_text(ADDRESSES)
    assert machine.run(SHOW).stdout == "mailnix: its addresses are 203.0.113.10 2001:db8::10\n"


def test_a_machine_without_an_address_says_so(machine: Machine) -> None:
    assert "mailnix: it has no address: is its cable plugged in" in machine.run(SHOW).stdout


@pytest.mark.parametrize("text", [None, "", "junk"])
def test_a_host_key_that_cannot_be_shown_fails_nothing(machine: Machine, text: str | None) -> None:
    machine.path("/etc/ssh").mkdir(parents=True)
    if text is not None:
        machine.path(HOST_KEY).write_text(text)
    machine.run(SHOW)


def test_pushed_credentials_are_stored_and_a_waiting_machine_goes_on_by_itself(machine: Machine) -> None:
    machine.run("receive-credentials", stdin=packed(dict.fromkeys(machine.needs, "x")))
    assert machine.has() == dict.fromkeys(sorted(machine.needs), "x")
    assert machine.log() == []


UNITS = {
    "haraka-in.service": "[Service]\nLoadCredential=haraka.internalcmd\n",
    "haraka-out.service": "[Service]\nLoadCredential=haraka.internalcmd:haraka.internalcmd\n",
    "haraka-certificate.service.d/10.conf": "[Service]\nOpenFile=/etc/credstore/haraka.internalcmd:x:read-only\n",
    "caddy.service": "[Service]\nExecStart=/usr/bin/caddy\n",
    "getty@.service": "[Service]\nLoadCredential=haraka.internalcmd\n",
}


def test_a_pushed_key_remakes_its_tunnel_and_a_pushed_password_restarts_what_reads_it(machine: Machine) -> None:
    for name, text in UNITS.items():
        unit = machine.path(f"/etc/systemd/system/{name}")
        unit.parent.mkdir(parents=True, exist_ok=True)
        unit.write_text(text)
    machine.run("receive-credentials", stdin=packed(dict.fromkeys(machine.needs, "x")))
    (machine.root / "ready").touch()
    key = next(name for name in machine.needs if name.startswith("network.wireguard.private"))
    machine.run("receive-credentials", stdin=packed({**dict.fromkeys(machine.needs, "x"), key: "y"}))
    assert machine.log() == REMADE
    machine.run("receive-credentials", stdin=packed({"haraka.internalcmd": "z"}))
    readers = "haraka-certificate.service haraka-in.service haraka-out.service"
    assert machine.log()[2:] == [f"systemctl try-restart --no-block {readers}"]
    machine.run("receive-credentials", stdin=packed({"haraka.internalcmd": "z"}))
    assert len(machine.log()) == 3


def test_a_credential_that_nothing_reads_restarts_nothing(machine: Machine) -> None:
    machine.run("receive-credentials", stdin=packed(dict.fromkeys(machine.needs, "x")))
    (machine.root / "ready").touch()
    machine.run("receive-credentials", stdin=packed({"haraka.internalcmd": "z"}))
    assert machine.log() == []


@pytest.mark.parametrize("name", ["evil", "../evil", "mailcow.dbpass", ".hidden", "sub/haraka.internalcmd"])
def test_what_is_no_credential_of_the_machine_is_refused_and_nothing_is_stored(machine: Machine, name: str) -> None:
    ended = machine.run("receive-credentials", stdin=packed({"haraka.internalcmd": "x", name: "y"}), check=False)
    assert ended.status != 0
    assert machine.has() == {}
    assert not list(machine.root.rglob("evil"))


def test_a_broken_archive_is_refused(machine: Machine) -> None:
    assert machine.run("receive-credentials", stdin=b"nonsense" * 100, check=False).status != 0
    assert machine.has() == {}
