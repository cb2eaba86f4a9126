"""What somebody runs beside mailnix on an emitted machine: nothing of it is lost without a word."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.nixos.conftest import Nix
from tests.nixos.test_options import HERE, REPOSITORY, wrong

Beside: TypeAlias = Callable[[str], dict[str, list[Any]]]
OPENED = """{
  networking.firewall = {
    allowedTCPPorts = [ 8443 9000 ];
    allowedUDPPortRanges = [ { from = 60000; to = 61000; } ];
    interfaces.wg-office = {
      allowedTCPPorts = [ 5432 ];
      allowedTCPPortRanges = [ ];
      allowedUDPPorts = [ ];
      allowedUDPPortRanges = [ ];
    };
    trustedInterfaces = [ "lo" "lan0" ];
    extraInputRules = "ip saddr 192.0.2.7 accept";
    extraForwardRules = ''iifname "podman0" accept'';
  };
  virtualisation.oci-containers.containers.web.image = "nginx";
}"""
RULES = """\
chain input {
iifname "lan0" accept
tcp dport { 8443, 9000 } accept
udp dport { 60000-61000 } accept
iifname "wg-office" tcp dport { 5432 } accept
ip saddr 192.0.2.7 accept
}
chain forward {
iifname "podman0" accept
}
"""


@pytest.fixture
def beside(nix: Nix) -> Beside:
    """Option path → what is defined of it on the example's proxy, with a module of its owner beside."""

    def found(nixos: str) -> dict[str, list[Any]]:
        modules = f"[ {REPOSITORY}/modules/haraka {REPOSITORY}/modules/mailnix {REPOSITORY}/hosts/proxy ]"
        answer = nix.eval(f"import {HERE}/standin {{ modules = {modules}; nixos = {nixos}; }}")
        assert (answer["failed"], wrong(answer)) == ([], [])
        options: dict[str, list[Any]] = {}
        for each in answer["holding"]:
            options.setdefault(".".join(each["path"]), []).append(each["value"])
        return options

    return found


def test_what_nixos_options_open_is_open_in_mailnixs_table(beside: Beside) -> None:
    table = beside(OPENED)["networking.nftables.tables.mailnix.content"]
    assert sorted(table) == sorted([RULES, (REPOSITORY / "hosts/proxy/firewall.nft").read_text()])


def test_nothing_is_added_to_the_table_where_nothing_is_opened(beside: Beside) -> None:
    assert "" in beside("{ }")["networking.nftables.tables.mailnix.content"]


def test_the_table_with_what_is_opened_is_one_that_nft_takes(tmp_path: Path) -> None:
    if not shutil.which("nft") or os.geteuid() != 0:
        pytest.skip("nft is not here, or may not look into a ruleset")
    for host in ("proxy", "internal"):
        body = (REPOSITORY / f"hosts/{host}/firewall.nft").read_text() + "\n" + RULES
        rules = tmp_path / f"{host}.nft"
        rules.write_text(f"table inet mailnix {{\n{body}}}\n")
        done = subprocess.run(["nft", "--check", "--file", rules], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_credentials_are_looked_at_when_sops_nix_and_agenix_have_laid_theirs(beside: Beside) -> None:
    (order,) = beside("{ }")["systemd.services.mailnix-seed.after"]
    assert {"agenix-install-secrets.service", "sops-install-secrets.service"} <= set(order)


def test_sites_of_ones_own_stand_beside_mailnixs(beside: Beside) -> None:
    found = beside('{ services.caddy.virtualHosts."www.example.org".extraConfig = "respond ok"; }')
    assert "services.caddy.configFile" not in found
    assert found["services.caddy.extraConfig"] == [(REPOSITORY / "hosts/proxy/Caddyfile").read_text()]
