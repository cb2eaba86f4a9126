"""Machines and modules evaluated by the real module system, against the nixpkgs tree that MAILNIX_NIXPKGS names."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mailnix.config import load
from mailnix.formats.text import ini
from mailnix.model.ssh_keys import RSA_BITS_MIN
from mailnix.nixos.carried import copied
from mailnix.nixos.flake import emit
from mailnix.plan import HostPlan, Plan, derive
from mailnix.plan.types import InternalPlan, ProxyPlan
from mailnix.services.caddy.nixos import parts
from mailnix.services.caddy.render import caddyfile
from mailnix.services.docker.render import DAEMON
from mailnix.services.firewall.render import FAMILY, TABLE, table
from mailnix.services.mailcow import contents
from mailnix.services.mailcow import render as mailcow
from mailnix.services.mailcow.pin import PIN
from mailnix.services.network.render import OTHERS_STEM, UPLINK_STEM, others, sysctls, uplink, wanted_card
from mailnix.services.wireguard.render import tunnels
from tests.nixos.conftest import Evaluate, Nix

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
MODULES = f"[ (import {REPOSITORY}/modules).default ]"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return derive(load(REPOSITORY / "docs/examples/two_machines.py"))


@pytest.fixture(scope="module")
def evaluate(nix: Nix, nixpkgs: Path) -> Evaluate:
    def run(*modules: str, image: bool = False) -> Any:
        listed = " ".join(modules)
        flags = f"image = {json.dumps(image)};"
        return nix.eval(f"import {HERE}/eval.nix {{ tree = {nixpkgs}; modules = {MODULES} ++ [ {listed} ]; {flags} }}")

    return run


@pytest.fixture(scope="module")
def example(evaluate: Evaluate) -> Evaluate:
    """Each host of the example, by name: what it evaluates to, its image too."""
    return cache(lambda name: evaluate(f"{REPOSITORY}/hosts/{name}", image=True))


@pytest.fixture(params=["proxy", "internal"])
def machine(request: pytest.FixtureRequest, plan: Plan, example: Evaluate) -> tuple[HostPlan, Any]:
    """A host of the example: its plan, and what it evaluates to."""
    return plan.host(request.param), example(request.param)


def test_a_machine_has_no_failed_assertion_and_no_warning(machine: tuple[HostPlan, Any]) -> None:
    _, found = machine
    assert (found["failed"], found["warnings"]) == ([], [])


def test_a_machine_and_its_disk_image_evaluate_to_derivations(machine: tuple[HostPlan, Any]) -> None:
    host, found = machine
    assert f"nixos-system-{host.name}" in found["toplevel"]
    assert found["image"].endswith(".drv")


def test_the_firewall_is_the_table_of_the_plan_and_nothing_is_flushed(machine: tuple[HostPlan, Any]) -> None:
    host, found = machine
    assert found["nft"] == {TABLE: {"family": FAMILY, "content": table(host) + "\n"}}
    assert (found["firewall"], found["flushRuleset"]) == (False, False)


def test_networkd_gets_the_tunnels_of_the_plan(machine: tuple[HostPlan, Any]) -> None:
    host, found = machine
    for units in tunnels(host):
        for name, text in units.texts().items():
            assert sections(found["network"][name]) == sections(text)


def test_networkd_gets_the_cards_of_the_plan(machine: tuple[HostPlan, Any]) -> None:
    host, found = machine
    assert_the_same_cards(host, found)
    pattern = "/run/systemd/network/20-uplink.network.d en* eth*\n"
    assert pattern in found["units"]["mailnix-uplink.service"]


def assert_the_same_cards(host: HostPlan, found: Any) -> None:
    for stem, wanted in ((UPLINK_STEM, uplink(host)), (OTHERS_STEM, others(host))):
        assert sections(found["network"][f"{stem}.network"]) == sections(ini(wanted))


def test_the_kernel_is_set_as_the_plan_says(machine: tuple[HostPlan, Any]) -> None:
    host, found = machine
    wanted = {name: str(value) for name, value in sysctls(host).items()}
    assert {name: found["sysctl"].get(name) for name in wanted} == wanted


def test_nobody_logs_in_with_a_password(machine: tuple[HostPlan, Any], plan: Plan) -> None:
    _, found = machine
    assert found["passwords"] == []
    assert found["users"]["root"]["keys"] == list(plan.topology.admin_keys)
    wanted = {"PasswordAuthentication": False, "PermitRootLogin": "prohibit-password", "RequiredRSASize": RSA_BITS_MIN}
    assert found["sshd"] == wanted


def test_the_scripts_shared_with_debian_have_every_blank_filled(machine: tuple[HostPlan, Any]) -> None:
    _, found = machine
    assert len(found["scripts"]) == 2
    for text in found["scripts"]:
        assert "/etc/credstore" in text
        assert "{{" not in text


def test_the_units_that_bring_credentials_are_debians(machine: tuple[HostPlan, Any]) -> None:
    from mailnix.formats.text import ini
    from mailnix.services.credentials.render import units

    _, found = machine
    for name, wanted in units().items():
        here, there = words(found["units"][name]), words(ini(wanted))
        # Programs live elsewhere, and NixOS gives every service an environment.
        for key in ("Service.ExecStart", "Service.Environment"):
            here.pop(key, None), there.pop(key, None)
        assert {key: value for key, value in here.items() if not key.startswith("Install.")} == there


def test_services_with_credentials_wait_for_them(machine: tuple[HostPlan, Any]) -> None:
    host, found = machine
    services = {ProxyPlan: ["haraka-in", "haraka-out"], InternalPlan: ["mailcow", "mailcow-provision"]}[type(host)]
    for service in services:
        unit = sections(found["units"][f"{service}.service"])
        assert "mailnix-credentials.service" in " ".join(unit["Unit"]["Requires"]).split()
        assert "mailnix-credentials.service" in " ".join(unit["Unit"]["After"]).split()


def test_the_proxy_runs_the_caddyfile_of_the_plan(plan: Plan, example: Evaluate) -> None:
    found = example("proxy")
    options, sites = parts(caddyfile(plan, plan.proxies[0]))
    assert found["caddy"]["extraConfig"] == sites
    assert options in found["caddy"]["globalConfig"]
    assert {"haraka-in", "haraka-out", "caddy"} <= set(found["users"])
    assert found["haraka"]["in"]["credentials"] == {"internalcmd_key": "haraka.internalcmd"}


def test_caddy_trusts_the_authorities_of_a_seed_disk(example: Evaluate) -> None:
    found = example("proxy")
    (folder,) = [value for value in environment(found["units"]["caddy.service"]) if value.startswith("SSL_CERT_DIR=")]
    (seed,) = [text for text in found["scripts"] if "blkid" in text]
    assert f"anchors={folder.removeprefix('SSL_CERT_DIR=')}\n" in seed


def test_mailcow_gets_on_nixos_what_it_gets_on_debian(plan: Plan, example: Evaluate) -> None:
    found = example("internal")["mailcow"]
    files = mailcow.files(plan)
    files.pop(mailcow.CONF)
    files.pop(mailcow.COMPOSE_OVERRIDE)
    assert found["conf"] == mailcow.conf(plan)
    hooks = {f"data/hooks/{s}/{n}": text for s, named in found["hooks"].items() for n, text in named.items()}
    assert {**found["files"], **hooks, "data/conf/postfix/extra.cf": found["postfix"]} == files
    ports = {name: {"ports": published} for name, published in mailcow.published(plan).items()}
    assert found["composeOverride"] == {"services": ports}
    assert found["provision"] == contents.provision_json(plan)
    assert found["secrets"] == dict(mailcow.SECRETS)
    assert found["source"] == {"rev": PIN.rev, "hash": PIN.nar_hash}


def test_docker_is_set_as_on_debian(example: Evaluate) -> None:
    found = example("internal")
    wanted = {name: value for name, value in DAEMON.items() if name != "log-driver"}
    assert {name: found["docker"].get(name) for name in wanted} == wanted


def test_a_topology_that_is_not_in_the_repository_evaluates_without_a_warning(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    from tests.nixos.test_emission import other_topology

    plan = derive(other_topology())
    for file in emit(plan, copied()).files:
        path = tmp_path / file.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    for host in plan.hosts:
        found = evaluate(f"{tmp_path}/hosts/{host.name}")
        assert (found["failed"], found["warnings"], found["hostName"]) == ([], [], host.name)
        assert found["toplevel"]
        assert_the_same_cards(host, found)
        assert f"network.d {wanted_card(host)}\n" in found["units"]["mailnix-uplink.service"]


OWN = """{
  networking.hostName = "mx";
  time.timeZone = "Europe/Berlin";
  system.stateVersion = "26.05";
  boot.kernel.sysctl."net.ipv4.ip_nonlocal_bind" = 0;
  systemd.network.networks."20-uplink".matchConfig.Name = "ens3";
  services.openssh.settings.RequiredRSASize = 4096;
  services.haraka.instances."in".settings."smtp.ini".globalSection.inactivity_timeout = 60;
  services.haraka.instances."in".files."log.ini" = "[main]\\nlevel=info\\n";
  services.caddy.virtualHosts."www.example.org".extraConfig = "respond ok";
  networking.firewall.allowedTCPPorts = [ 8443 ];
  networking.firewall.extraForwardRules = "iifname podman0 accept";
  virtualisation.oci-containers.containers.web.image = "nginx";
}"""


def test_an_owner_changes_a_machine_without_force_and_what_is_beside_it_is_not_lost(evaluate: Evaluate) -> None:
    found = evaluate(f"{REPOSITORY}/hosts/proxy", OWN)
    assert (found["failed"], found["warnings"]) == ([], [])
    assert (found["hostName"], found["timeZone"], found["sshd"]["RequiredRSASize"]) == ("mx", "Europe/Berlin", 4096)
    assert found["sysctl"]["net.ipv4.ip_nonlocal_bind"] == "0"
    assert found["caddy"]["sites"] == ["www.example.org"]
    rules = found["nft"][TABLE]["content"]
    assert "chain input {\ntcp dport { 8443 } accept\n" in rules
    assert "chain forward {\niifname podman0 accept\n" in rules


def test_machines_that_cannot_work_are_refused_with_the_reason(nix: Nix, nixpkgs: Path) -> None:
    cases = nix.eval(f"import {HERE}/wrong.nix {{ tree = {nixpkgs}; modules = {MODULES}; }}")
    unsaid = {name: case for name, case in cases.items() if not any(case["says"] in text for text in case["failed"])}
    assert len(cases) >= 15
    assert unsaid == {}


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ('services.haraka.instances.a.plugins = "tls"', "is not of type `list of string'"),
        ("services.mailcow.settings.TZ = [ ]", "is not of type"),
        ("services.mailcow.hostnam = 1", "The option `services.mailcow.hostnam' does not exist"),
        ('mailnix.credentials = { enable = true; names = [ "a/b" ]; }', "is not of type"),
    ],
)
def test_a_wrong_type_or_name_is_refused_by_the_module_system(
    nix: Nix, nixpkgs: Path, definition: str, said: str
) -> None:
    module = f"({{ config, ... }}: {{ {definition}; }})"
    option = definition.split(" =")[0].rsplit(".", 1)[0]
    done = nix.run(
        *("nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "-"),
        stdin=f"""
          (import {nixpkgs}/nixos/lib/eval-config.nix {{
            system = "x86_64-linux"; modules = {MODULES} ++ [ {module} ];
          }}).config.{option}
        """,
    )
    assert done.returncode != 0
    assert said in done.stderr


def test_the_reference_page_is_what_the_modules_say(nix: Nix, nixpkgs: Path) -> None:
    from tests.nixos import reference

    assert reference.PAGE.read_text() == reference.page(nix.eval(reference.expression(nixpkgs)))


def environment(unit: str) -> list[str]:
    """The assignments of a service's `Environment=`."""
    return [value.strip('"') for value in sections(unit)["Service"]["Environment"]]


def words(text: str) -> dict[str, set[str]]:
    """A unit file as the words of each key, whatever their order and however many lines they are spread over."""
    return {
        f"{section}.{key}": {word for value in values for word in value.split()}
        for section, keys in sections(text).items()
        for key, values in keys.items()
    }


def sections(text: str) -> dict[str, dict[str, list[str]]]:
    """A unit file as sections, keys and their values in order; repeated sections are numbered."""
    found: dict[str, dict[str, list[str]]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            while name in found and name not in ("Unit", "Service", "Install"):
                name += "'"
            found.setdefault(name, {})
        elif "=" in line and not line.startswith(("#", ";")):
            key, value = line.split("=", 1)
            found[name].setdefault(key, []).append({"true": "yes", "false": "no"}.get(value, value))
    return {name: keys for name, keys in found.items() if keys}
