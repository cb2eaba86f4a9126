"""What services.mailcow defines of the machine that it runs on, by the stand-in: no nixpkgs is needed."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from mailnix.plan.credentials import MAILCOW_ADMIN, MAILCOW_DKIM, MAILCOW_MAILBOXES
from mailnix.services.mailcow.guest.dkim import public_key
from mailnix.services.mailcow.guest.setup import read_secrets
from mailnix.services.mailcow.render import SECRETS
from tests.nixos.conftest import Nix
from tests.nixos.test_modules import HOW_TO
from tests.nixos.test_options import HERE, REPOSITORY, wrong

# What Mailcow cannot be without: Docker, modules that containers cannot load, its own units and commands.
ITS_OWN = (
    "assertions",
    "boot.kernelModules",
    "environment.systemPackages",
    "services.mailcow.",
    "systemd.services.mailcow",
    "systemd.timers.mailcow",
    "virtualisation.docker.enable",
)
Defined: TypeAlias = Callable[..., dict[str, Any]]

FINE = '{ virtualisation.docker.daemon.settings."userland-proxy" = false; }'


@pytest.fixture
def defined(nix: Nix) -> Defined:
    """Option path → value, of a Mailcow with more said about it; `nixos` is what the machine itself sets."""

    def found(more: str = "", nixos: str = FINE) -> dict[str, Any]:
        known = 'enable = true; hostname = "mail.example.org"; bindAddress = "10.83.119.2";'
        module = f"{{ services.mailcow = {{ {known} {more} }}; }}"
        answer = nix.eval(
            f"import {HERE}/standin {{ modules = [ {REPOSITORY}/modules/mailcow {module} ]; nixos = {nixos}; }}"
        )
        assert (answer["failed"], wrong(answer)) == ([], [])
        return {".".join(each["path"]): each["value"] for each in answer["holding"]}

    return found


def test_nothing_of_the_machine_is_changed_that_was_not_asked_for(defined: Defined) -> None:
    paths = defined("provision.enable = true; backup.enable = true;")
    assert [path for path in paths if not path.startswith(ITS_OWN)] == []
    assert paths["virtualisation.docker.enable"] is True


def test_docker_is_set_up_where_that_is_asked_for(defined: Defined) -> None:
    assert defined("configureDocker = true;")["virtualisation.docker.daemon.settings.userland-proxy"] is False


def test_a_tunnel_may_come_up_late_and_bring_anybody_where_that_is_asked_for(defined: Defined) -> None:
    found = defined("behindTunnel = true;")
    assert found["boot.kernel.sysctl.net.ipv4.ip_nonlocal_bind"] == 1
    assert found["networking.firewall.checkReversePath"] == "loose"


def test_a_tunnel_of_the_machines_own_that_lets_mailcow_work_is_taken_as_it_is(defined: Defined) -> None:
    tunnel = """
      networking.wireguard.interfaces.wg0.ips = [ "10.83.119.2/24" ];
      networking.firewall.checkReversePath = "loose";
      boot.kernel.sysctl."net.ipv4.ip_nonlocal_bind" = true;
    """
    assert defined(nixos=f"{{ {tunnel} }} // {FINE}")


def test_it_starts_after_what_lays_its_secrets(defined: Defined) -> None:
    found = defined("provision.enable = true;")
    assert {"agenix-install-secrets.service", "sops-install-secrets.service"} <= set(
        found["systemd.services.mailcow.after"]
    )
    assert found["systemd.services.mailcow-provision.after"] == ["mailcow.service"]


@pytest.mark.parametrize("unit", ["mailcow", "mailcow-provision"])
def test_a_service_that_never_starts_is_given_up(defined: Defined, unit: str) -> None:
    found = defined("provision.enable = true;")
    service = f"systemd.services.{unit}"
    assert found[f"{service}.serviceConfig.Restart"] == "on-failure"
    # The limit can be met: so many starts fit into the time, however long the pauses become.
    pause = found[f"{service}.serviceConfig.RestartMaxDelaySec"]
    assert found[f"{service}.startLimitBurst"] * pause < found[f"{service}.startLimitIntervalSec"]


def test_the_template_has_the_how_tos_example_and_options_that_there_are(nix: Nix) -> None:
    template = REPOSITORY / "template/configuration.nix"
    shown = re.search(r"  services\.mailcow = \{\n.*?\n  \};\n", template.read_text(), re.DOTALL)
    assert shown is not None
    assert shown[0] in HOW_TO.read_text()
    modules = f"[ {REPOSITORY}/modules/mailcow {template} ]"
    answer = nix.eval(f"import {HERE}/standin {{ modules = {modules}; nixos = {FINE}; }}")
    assert (answer["failed"], wrong(answer)) == ([], [])


def test_the_how_to_makes_every_credential_that_its_example_wants(tmp_path: Path) -> None:
    (block,) = re.findall(r"```console\n(# install -d -m 0700 /etc/credstore && .*?)```", HOW_TO.read_text(), re.DOTALL)
    script = re.sub(r"^# ", "", block, flags=re.MULTILINE).replace("/etc/credstore", str(tmp_path / "credstore"))
    subprocess.run(["sh", "-euc", script], check=True, capture_output=True)
    store = tmp_path / "credstore"
    assert {path.name for path in store.iterdir()} == {
        *SECRETS.values(),
        MAILCOW_ADMIN,
        MAILCOW_DKIM,
        MAILCOW_MAILBOXES,
    }
    assert {path.stat().st_mode & 0o777 for path in store.iterdir()} == {0o600}
    read_secrets(SECRETS, store)
    keys = json.loads((store / "mailcow.dkim").read_text())
    assert public_key(keys["example.org"]["private_key"])
    assert json.loads((store / "mailcow.mailboxes").read_text()).keys() == {"alice@example.org"}
    assert len((store / "mailcow.sogo-key").read_text().strip()) == 16
