"""services.haraka and services.mailcow without anything else of mailnix: the examples of the how-to, evaluated."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.nixos.conftest import Evaluate, Nix

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
HOW_TO = REPOSITORY / "docs/howto/nixos.md"
EXPOSURE = 40  # tenths, as systemd-analyze wants them: 4.0 is "OK"
MACHINE = """
  boot.loader.grub.device = "/dev/sda";
  fileSystems."/" = { device = "/dev/sda1"; fsType = "ext4"; };
  system.stateVersion = "25.11";
"""


def example(service: str) -> str:
    """The how-to's module that shows a service alone, its import made one of this repository's folders."""
    blocks = re.findall(r"```nix\n(\{\n  imports = \[ mailnix.nixosModules.*?)```", HOW_TO.read_text(), re.DOTALL)
    block: str
    (block,) = [block for block in blocks if f"nixosModules.{service}" in block]
    return block.replace(f"mailnix.nixosModules.{service}", f"{REPOSITORY}/modules/{service}")


@pytest.fixture(scope="module")
def alone(nix: Nix, nixpkgs: Path) -> Evaluate:
    found: dict[str, Any] = {}

    def evaluate(service: str) -> Any:
        if service not in found:
            modules = f"[ ({example(service)}) ({{ {MACHINE} }}) ]"
            found[service] = nix.eval(f"import {HERE}/eval.nix {{ tree = {nixpkgs}; modules = {modules}; }}")
        return found[service]

    return evaluate


@pytest.mark.parametrize("service", ["haraka", "mailcow"])
def test_the_example_of_a_module_alone_parses(nix: Nix, tmp_path: Path, service: str) -> None:
    path = tmp_path / "module.nix"
    path.write_text(f"{{ mailnix, ... }}: {example(service)}")
    nix.parse(path)


@pytest.mark.parametrize("service", ["haraka", "mailcow"])
def test_a_module_alone_evaluates_without_a_warning(alone: Evaluate, service: str) -> None:
    found = alone(service)
    assert (found["failed"], found["warnings"]) == ([], [])
    assert found["toplevel"].endswith(".drv")


def test_a_certificate_of_security_acme_evaluates(nix: Nix, nixpkgs: Path) -> None:
    instance = """{
      services.haraka.instances.relay = { plugins = [ "tls" ]; tls.useACMEHost = "mx.example.org"; };
      security.acme = { acceptTerms = true; defaults.email = "a@example.org"; };
      security.acme.certs."mx.example.org".listenHTTP = ":80";
    }"""
    modules = f"[ ({example('haraka')}) ({{ {MACHINE} }}) {instance} ]"
    found = nix.eval(f"import {HERE}/eval.nix {{ tree = {nixpkgs}; modules = {modules}; }}")
    assert (found["failed"], found["warnings"]) == ([], [])
    assert found["reloads"]["mx.example.org"] == ["haraka-relay-tls.service"]


def test_haraka_gets_every_key_that_it_has_no_default_for(alone: Evaluate) -> None:
    connection = alone("haraka")["haraka"]["relay"]["connection"]
    assert {"main", "haproxy", "headers", "max", "message", "uuid"} == set(connection)
    assert {"bytes", "data_line_length", "line_length", "mime_parts"} == set(connection["max"])
    assert connection["max"]["data_line_length"] > 998
    assert set(connection["message"]) == {"close", "helo"}


def test_haraka_without_a_privileged_port_has_no_capability(alone: Evaluate) -> None:
    unit = alone("haraka")["units"]["haraka-relay.service"]
    assert "CAP_NET_BIND_SERVICE" not in unit
    assert "KillSignal=SIGINT" in unit
    assert "LoadCredential=internalcmd_key:/run/keys/haraka-internalcmd" in unit


def test_mailcow_starts_after_docker_with_its_secrets_as_credentials(alone: Evaluate) -> None:
    unit = alone("mailcow")["units"]["mailcow.service"]
    assert re.search(r"^Requires=.*docker\.service", unit, re.MULTILINE)
    assert "LoadCredential=DBPASS:mailcow.dbpass" in unit
    assert alone("mailcow")["docker"]["userland-proxy"] is False


def test_mailcow_is_backed_up_and_can_be_restored(alone: Evaluate) -> None:
    found = alone("mailcow")
    assert "OnCalendar=03:30" in found["units"]["mailcow-backup.timer"]
    unit = found["units"]["mailcow-backup.service"]
    assert re.search(r"^ExecStart=\S+/bin/mailcow-backup$", unit, re.MULTILINE)
    assert "RequiresMountsFor=/var/backups/mailnix" in unit
    assert {"mailcow-backup", "mailcow-restore"} <= set(found["commands"])


@pytest.mark.parametrize(("service", "unit"), [("haraka", "haraka-relay"), ("mailcow", "mailcow-provision")])
def test_units_are_hardened(alone: Evaluate, tmp_path: Path, service: str, unit: str) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    path = tmp_path / f"{unit}.service"
    path.write_text(alone(service)["units"][path.name])
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
