import os
import re
import ssl
import subprocess
from pathlib import Path

import pytest

from mailnix.plan import Plan, derive
from mailnix.services.haraka.debian import debian
from mailnix.services.haraka.values import Limits
from mailnix.tree import Entry, File, Tree
from tests.services.conftest import tool, topology


@pytest.fixture
def tree(plan: Plan) -> Tree:
    part = debian(plan, plan.proxies[0])
    entries: tuple[Entry, ...] = (*part.entries, *part.links())
    return Tree.of(entries)


def put(tree: Tree, root: Path) -> None:
    for entry in tree:
        if isinstance(entry, File):
            path = root / entry.path[1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(entry.data)
            path.chmod(entry.mode)


def test_the_machine_at_home_has_no_haraka(plan: Plan) -> None:
    part = debian(plan, plan.internal)
    assert (part.entries, part.wanted, part.npm_tree) == ((), (), False)


def test_both_instances_and_the_certificates_watchers_start_at_boot(plan: Plan) -> None:
    units = {wanted.unit for wanted in debian(plan, plan.proxies[0]).wanted}
    assert units == {"haraka-in.service", "haraka-out.service", "haraka-certificate.path", "haraka-certificate.timer"}


@pytest.mark.parametrize("unit", ["haraka-in", "haraka-out"])
def test_units_end_haraka_with_the_signal_it_knows_and_wait_for_credentials(tree: Tree, unit: str) -> None:
    lines = str(tree.file(f"/etc/systemd/system/{unit}.service").content).splitlines()
    for line in ("KillSignal=SIGINT", "LoadCredential=haraka.internalcmd", "Requires=mailnix-credentials.service"):
        assert line in lines


@pytest.mark.parametrize("unit", ["haraka-in", "haraka-out"])
def test_an_instance_has_memory_for_its_heap_and_its_messages_and_is_ended_far_above_it(tree: Tree, unit: str) -> None:
    lines = str(tree.file(f"/etc/systemd/system/{unit}.service").content).splitlines()
    (heap,) = [int(number) for number in re.findall(r"--max-old-space-size=(\d+)", "\n".join(lines))]
    (high,) = [int(number) for number in re.findall(r"^MemoryHigh=(\d+)M$", "\n".join(lines), re.MULTILINE)]
    (most,) = [int(number) for number in re.findall(r"^MemoryMax=(\d+)M$", "\n".join(lines), re.MULTILINE)]
    assert heap + Limits().memory / 2**20 < high < most


def test_only_haraka_in_may_bind_to_port_25(tree: Tree) -> None:
    capability = "AmbientCapabilities=CAP_NET_BIND_SERVICE"
    assert capability in str(tree.file("/etc/systemd/system/haraka-in.service").content)
    assert capability not in str(tree.file("/etc/systemd/system/haraka-out.service").content)


@pytest.mark.parametrize("unit", ["haraka-in", "haraka-out", "haraka-certificate"])
def test_units_are_shut_in(tree: Tree, tmp_path: Path, unit: str) -> None:
    put(tree, tmp_path)
    command = [tool("systemd-analyze"), "security", "--offline=true", f"--root={tmp_path}", "--threshold=40"]
    done = subprocess.run([*command, f"{unit}.service"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout[-100:], done.stderr)


def test_a_former_host_name_has_a_certificate_in_a_folder_of_its_name() -> None:
    plan = derive(topology(former_hostnames=["mx.old.example"]))
    tree = Tree.of(debian(plan, plan.proxies[0]).entries)
    lines = str(tree.file("/etc/systemd/system/haraka-certificate.service").content).splitlines()
    first, second = (line for line in lines if line.startswith("ExecStart="))
    assert " mail.example.org /run/haraka-certificate haraka " in first
    assert "/mx.old.example/mx.old.example.crt " in second
    assert " mx.old.example /run/haraka-certificate/mx.old.example haraka " in second
    assert "RuntimeDirectory=haraka-certificate/mx.old.example" in lines
    watched = str(tree.file("/etc/systemd/system/haraka-certificate.path").content)
    assert watched.count("PathChanged=") == 4
    assert str(tree.file("/etc/haraka-in/config/certificate_names").content) == "mx.old.example\n"


class Certificates:
    """The script that copies Caddy's certificate, below a folder of its own."""

    def __init__(self, tree: Tree, folder: Path) -> None:
        self.folder = folder / "out"
        self.folder.mkdir()
        self.theirs = (folder / "caddy.crt", folder / "caddy.key")
        self.script = folder / "script"
        text = str(tree.file("/usr/lib/mailnix/haraka-certificate").content)
        self.touched = folder / "run"
        self.script.write_text(text.replace("sleep 1", ":"))

    def run(self) -> str:
        told = (self.touched / f"{instance}/config/tls.ini" for instance in ("haraka-in", "haraka-out"))
        argv: list[str | Path] = ["sh", self.script, *self.theirs, "mail.example.org", self.folder, "root", *told]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def renew(self) -> None:
        certificate, key = self.theirs
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=caddy.example"]
        subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)

    def subject(self) -> str:
        command: list[str | Path] = ["openssl", "x509", "-in", self.folder / "cert.pem", "-noout", "-subject"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def check(self) -> None:
        """Raises where key and certificate do not fit."""
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.folder / "cert.pem", self.folder / "key.pem")


@pytest.fixture
def certificates(tree: Tree, tmp_path: Path) -> Certificates:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    tool("openssl")
    return Certificates(tree, tmp_path)


def test_a_self_signed_certificate_stands_in_until_caddy_has_one(certificates: Certificates) -> None:
    certificates.run()
    assert "mail.example.org" in certificates.subject()
    certificates.check()
    assert oct((certificates.folder / "key.pem").stat().st_mode)[-3:] == "640"


def test_caddys_certificate_takes_over_and_haraka_is_told(certificates: Certificates) -> None:
    certificates.run()
    told = certificates.touched / "haraka-in/config/tls.ini"
    told.parent.mkdir(parents=True)
    told.write_text("")
    os.utime(told, (0, 0))
    certificates.renew()
    certificates.run()
    assert "caddy.example" in certificates.subject()
    certificates.check()
    assert told.stat().st_mtime > 0
    os.utime(told, (0, 0))
    certificates.run()
    assert told.stat().st_mtime == 0, "nothing is new"


def test_half_written_files_change_nothing(certificates: Certificates) -> None:
    certificates.renew()
    certificates.run()
    before = (certificates.folder / "cert.pem").read_bytes()
    certificates.renew()
    certificates.theirs[1].write_text("-----BEGIN PRIVATE KEY-----\n")
    assert "keeping what is there" in certificates.run()
    assert (certificates.folder / "cert.pem").read_bytes() == before
    certificates.check()
    assert sorted(path.name for path in certificates.folder.iterdir()) == ["cert.pem", "key.pem"]
