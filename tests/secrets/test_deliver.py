"""Credentials reach machines whole, or with one sentence saying why not."""

from __future__ import annotations

import datetime
import io
import shutil
import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mailnix import secrets
from mailnix.errors import CommandFailed, SecretsError
from mailnix.plan import Plan
from mailnix.run import Completed, run
from mailnix.secrets.ssh import push_argv
from mailnix.ssh import Way


def names(plan: Plan, host: str) -> set[str]:
    return {credential.name for credential in plan.host(host).credentials}


class Disks:
    """Takes the place of the image maker."""

    def __call__(self, files: Mapping[str, bytes], out: Path, label: str) -> None:
        self.files, self.out, self.label = dict(files), out, label


def authority() -> bytes:
    """A certificate of an authority, in PEM."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_seed_disk_has_the_credentials_of_its_host_alone(plan: Plan, folder: Path, tmp_path: Path) -> None:
    disks = Disks()
    assert secrets.seed(plan, "proxy", folder, tmp_path / "seed.img", make_disk=disks) == tmp_path / "seed.img"
    assert disks.label == "MAILNIX-SEED"
    assert set(disks.files) == {f"credstore/{name}" for name in names(plan, "proxy")} | {"id"}
    assert disks.files["credstore/haraka.internalcmd"] == (folder / "proxy/haraka.internalcmd").read_bytes()


def test_a_seed_disk_carries_certificates_and_the_wish_to_replace(plan: Plan, folder: Path, tmp_path: Path) -> None:
    disks = Disks()
    first, second = authority(), authority()
    secrets.seed(plan, "internal", folder, tmp_path / "x", [first, second], replace=True, make_disk=disks)
    assert disks.files["ca-certificates/mailnix-1.crt"] == first
    assert disks.files["ca-certificates/mailnix-2.crt"] == second
    assert "replace" in disks.files


@pytest.mark.parametrize("spoilt", [b"", b"PEM", b"\x30\x82", "cut"])
def test_an_authority_that_is_no_certificate_is_refused_before_a_disk_is_made(
    plan: Plan, folder: Path, tmp_path: Path, spoilt: bytes | str
) -> None:
    pem = authority()
    bad = spoilt if isinstance(spoilt, bytes) else pem[: len(pem) // 2]
    with pytest.raises(SecretsError, match="certificate 2 is no certificate in PEM") as caught:
        secrets.seed(plan, "internal", folder, tmp_path / "x", [pem, bad])
    assert "openssl x509" in caught.value.hint
    assert not (tmp_path / "x").exists()


def test_all_that_is_wrong_with_a_hosts_credentials_is_said_at_once(plan: Plan, folder: Path, tmp_path: Path) -> None:
    key, words, bundle = "network.wireguard.private.wg-proxy", "mailcow.dbpass", "mailcow.dkim"
    (folder / "internal" / key).write_bytes((folder / "internal" / key).read_bytes()[:20])
    (folder / "internal" / words).write_bytes(b"")
    (folder / "internal" / bundle).unlink()
    with pytest.raises(SecretsError) as caught:
        secrets.seed(plan, "internal", folder, tmp_path / "x", [b"no PEM"])
    said = caught.value.message
    assert said.startswith("internal cannot have its credentials, for 4 reasons: ")
    assert f"internal/{key} in the secrets folder is damaged: it is no WireGuard key" in said
    assert f"internal/{words} in the secrets folder is damaged: it is empty" in said
    assert f"internal/{bundle} has not been made" in said
    assert "certificate 1 is no certificate in PEM" in said
    assert "mailnix check CONFIG" in caught.value.hint
    assert not (tmp_path / "x").exists()


def test_every_seed_disk_has_an_identity_of_its_own(plan: Plan, folder: Path, tmp_path: Path) -> None:
    ids = []
    for _ in range(2):
        disks = Disks()
        secrets.seed(plan, "proxy", folder, tmp_path / "x", make_disk=disks)
        ids.append(disks.files["id"])
    assert ids[0] != ids[1]


@pytest.mark.skipif(not shutil.which("debugfs", path="/usr/sbin:/sbin:/usr/bin"), reason="debugfs is not installed")
def test_the_image_is_a_labelled_file_system_that_only_we_can_read(plan: Plan, folder: Path, tmp_path: Path) -> None:
    image = secrets.seed(plan, "proxy", folder, tmp_path / "private" / "seed.img")
    assert stat.S_IMODE(image.stat().st_mode) == 0o600
    debugfs = shutil.which("debugfs", path="/usr/sbin:/sbin:/usr/bin") or ""
    shown = run([debugfs, "-R", "cat credstore/haraka.internalcmd", image]).stdout
    assert shown == (folder / "proxy/haraka.internalcmd").read_text()
    assert "MAILNIX-SEED" in run([debugfs, "-R", "stats", image]).stdout


class Ssh:
    """Takes the place of the ssh program."""

    def __init__(self, failure: CommandFailed | None = None) -> None:
        self.failure = failure

    def __call__(self, argv: Any, *, stdin: bytes | None = None, **_: Any) -> Completed:
        if self.failure is not None:
            raise self.failure
        self.argv, self.stdin = argv, stdin or b""
        return Completed(tuple(argv), 0, "", "")


def test_a_push_sends_a_tar_of_private_files_on_stdin_and_nothing_secret_as_an_argument(
    plan: Plan, folder: Path
) -> None:
    ssh = Ssh()
    secrets.push(plan, "proxy", folder, Way("root@5.9.100.1"), runner=ssh)
    with tarfile.open(fileobj=io.BytesIO(ssh.stdin)) as archive:
        members = archive.getmembers()
        assert {member.name for member in members} == names(plan, "proxy")
        assert {member.mode for member in members} == {0o600}
    assert ssh.argv == push_argv(Way("root@5.9.100.1"))


def test_the_ssh_call_is_this() -> None:
    assert push_argv(Way("root@host")) == (
        "ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "--", "root@host",
        "PATH=/usr/lib/mailnix:$PATH receive-credentials",
    )  # fmt: skip


@pytest.mark.parametrize("target", ["-oProxyCommand=true", "", "  "])
def test_a_target_that_is_no_machine_is_refused(plan: Plan, folder: Path, target: str) -> None:
    with pytest.raises(SecretsError, match="is no SSH target"):
        secrets.push(plan, "proxy", folder, Way(target), runner=Ssh())


def test_an_unknown_machine_is_refused_with_those_that_there_are(plan: Plan, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="no machine is called 'procksy'") as caught:
        secrets.seed(plan, "procksy", folder, tmp_path / "x", make_disk=Disks())
    assert caught.value.hint == "there is proxy, internal"


def test_a_missing_credential_is_refused_with_the_command_that_makes_it(
    plan: Plan, folder: Path, tmp_path: Path
) -> None:
    (folder / "proxy/haraka.internalcmd").unlink()
    with pytest.raises(SecretsError, match=r"proxy/haraka\.internalcmd has not been made"):
        secrets.seed(plan, "proxy", folder, tmp_path / "x", make_disk=Disks())


def test_a_missing_folder_is_refused_with_the_command_that_makes_it(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="does not exist") as caught:
        secrets.push(plan, "proxy", tmp_path / "none", Way("root@x"), runner=Ssh())
    assert "mailnix secrets init" in caught.value.hint
