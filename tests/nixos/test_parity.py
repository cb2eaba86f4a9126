"""What machines run on NixOS and on Debian is the same; a difference is listed here, with its reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from attrs import evolve

from mailnix import Backup
from mailnix.config import load
from mailnix.debian.host import debian_host
from mailnix.formats.nix import PathLiteral
from mailnix.formats.nixos_networkd import unit
from mailnix.model.clientport import KNOWN
from mailnix.nixos import host as nixos_host
from mailnix.plan import HostPlan, Plan, derive
from mailnix.services.credentials.render import LIST
from mailnix.services.firewall.debian import RULES
from mailnix.services.firewall.render import script, table
from mailnix.services.mailcow.render import COMPOSE_OVERRIDE, conf
from mailnix.services.wireguard.render import tunnels
from mailnix.tree import File
from tests.nixos.conftest import Nix
from tests.nixos.test_emission import definitions

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "docs/examples/two_machines.py"
DEFAULTS = REPOSITORY / "modules/mailcow/defaults.nix"
LIB = f"(import {Path(__file__).parent}/standin/lib.nix)"

# services.haraka keeps each instance's certificate by itself, so that instances need to know nothing of each other.
MODULES_OWN = {"key", "cert", "dhparam"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return derive(load(EXAMPLE))


@pytest.fixture(params=["proxy", "internal"])
def host(request: pytest.FixtureRequest, plan: Plan) -> HostPlan:
    return plan.host(request.param)


def debian(plan: Plan, host: HostPlan) -> dict[str, str]:
    return {e.path: e.data.decode() for e in debian_host(plan, host).tree if isinstance(e, File)}


def nixos(plan: Plan, host: HostPlan) -> dict[str, str]:
    return {file.path: file.data.decode() for file in nixos_host.files(plan, host)}


def test_the_firewall_table_is_the_same(plan: Plan, host: HostPlan) -> None:
    body = nixos(plan, host)["/firewall.nft"]
    assert body == table(host)
    assert debian(plan, host)[RULES] == script(host)
    assert body in script(host)


def test_the_caddyfile_is_the_same(plan: Plan) -> None:
    proxy = plan.proxies[0]
    options = indent(dict(definitions(proxy, plan))["services.caddy.globalConfig"], "\t")
    assert f"{{\n{options}}}\n\n{nixos(plan, proxy)['/Caddyfile']}" == debian(plan, proxy)["/etc/caddy/Caddyfile"]


@pytest.mark.parametrize("instance", ["haraka-in", "haraka-out"])
def test_harakas_files_are_the_same(plan: Plan, instance: str) -> None:
    proxy = plan.proxies[0]
    here = below(nixos(plan, proxy), f"/{instance}/")
    there = below(debian(plan, proxy), f"/etc/{instance}/")
    as_options = {path: there.pop(path) for path in list(there) if path not in here}
    assert here == there
    assert "config/connection.ini" in here
    set_here = dict(definitions(proxy, plan))
    start = f"services.haraka.instances.{instance.removeprefix('haraka-')}"
    assert set_here[f"{start}.plugins"] == as_options.pop("config/plugins").split()
    assert as_options.pop("config/queue_dir", f"/var/lib/{instance}/queue\n") == f"/var/lib/{instance}/queue\n"
    for path, text in as_options.items():
        keys = f"{start}.settings.{path.removeprefix('config/')}.globalSection."
        assert below(set_here, keys) == {k: v for k, v in ini_values(text).items() if k not in MODULES_OWN}
    assert set(as_options) == {"config/smtp.ini", "config/tls.ini"}


def test_an_option_names_every_file_of_harakas(plan: Plan) -> None:
    proxy = plan.proxies[0]
    named = {value.text for _, value in definitions(proxy, plan) if isinstance(value, PathLiteral)}
    written = {f".{path}" for path in nixos(plan, proxy) if path.startswith("/haraka-")}
    assert written == {path for path in named if path.startswith("./haraka-")}


def test_mailcows_own_texts_and_description_are_the_same(plan: Plan) -> None:
    home = plan.internal
    here = {path.rsplit("/", 1)[-1]: text for path, text in below(nixos(plan, home), "/mailcow/").items()}
    there = below(debian(plan, home), "/etc/mailnix/mailcow/")
    there.pop("mailcow.conf")  # option values here; compared where they can be evaluated
    assert here.pop("provision.json") == debian(plan, home)["/etc/mailnix/provision.json"]
    there.pop(COMPOSE_OVERRIDE)
    assert here == {path.rsplit("/", 1)[-1]: text for path, text in there.items()}
    assert len(here) >= 3


def test_the_same_ports_are_published_over_ipv6(plan: Plan) -> None:
    text = debian(plan, plan.internal)[f"/etc/mailnix/mailcow/{COMPOSE_OVERRIDE}"]
    set_here = dict(definitions(plan.internal, plan))
    services = below(set_here, "services.mailcow.composeOverride.services.")
    for name, ports in services.items():
        listed = "".join(f'      - "{port}"\n' for port in ports)
        assert f"  {name.removesuffix('.ports')}:\n    ports:\n{listed}" in text
    assert text.count("- ") == sum(map(len, services.values())) > 0


def test_the_module_publishes_by_itself_what_a_plan_does(nix: Nix, plan: Plan) -> None:
    """Read with the stand-in for nixpkgs' lib, so that a port which only one side knows is noticed everywhere."""
    address = str(plan.internal.ipv4)
    cfg = f'{{ bindAddress = "{address}"; hostname = "x"; settings.IPV4_NETWORK = "172.22.1"; }}'
    arguments = f"{{ cfg = {cfg}; config.time.timeZone = null; lib = {LIB} // {{ mkOptionDefault = value: value; }}; }}"
    set_here = nix.eval(f"import {DEFAULTS} {arguments}")
    ports = {name: value for name, value in conf(plan).items() if re.fullmatch(r"(?!HTTP).+_PORT", name)}
    assert len(ports) > len(KNOWN)
    assert ports == {name: value for name, value in set_here.items() if name in ports}
    assert {client.variable for client in KNOWN} <= set(set_here)


def test_backups_are_described_to_both_alike(plan: Plan) -> None:
    backup = Backup("/mnt/backups", at="Sun 04:00", keep_days=30)
    plan = derive(evolve(plan.topology, internal=evolve(plan.topology.internal, backup=backup)))
    set_here = dict(definitions(plan.internal, plan))
    here = {name: set_here[f"services.mailcow.backup.{name}"] for name in ("enable", "location", "startAt", "keepDays")}
    assert here == {"enable": True, "location": backup.folder, "startAt": backup.at, "keepDays": backup.keep_days}
    there = debian(plan, plan.internal)
    assert json.loads(there["/etc/mailnix/mailcow.json"])["backup"] == {"folder": "/mnt/backups", "keep_days": 30}
    assert "OnCalendar=Sun 04:00\n" in there["/etc/systemd/system/mailcow-backup.timer"]


def test_the_same_credentials_are_waited_for(plan: Plan, host: HostPlan) -> None:
    names = dict(definitions(host, plan))["mailnix.credentials.names"]
    assert "".join(f"{name}\n" for name in names) == debian(plan, host)[LIST]


def test_the_same_tunnels_are_made(plan: Plan, host: HostPlan) -> None:
    set_here = dict(definitions(host, plan))
    for units in tunnels(host):
        texts = debian(plan, host)
        assert f"/etc/systemd/network/{units.file_stem}.netdev" in texts
        peers = set_here[f"systemd.network.netdevs.{units.file_stem}.wireguardPeers"]
        assert peers == unit(units.netdev)["wireguardPeers"]


def ini_values(text: str) -> dict[str, object]:
    """An INI file without sections, as Nix has its values."""
    pairs = (line.split("=", 1) for line in text.splitlines() if not line.startswith(";"))
    return {key: json.loads(value) if re.fullmatch(r"true|false|\d+", value) else value for key, value in pairs}


def below(files: dict[str, Any], folder: str) -> dict[str, Any]:
    return {path.removeprefix(folder): text for path, text in files.items() if path.startswith(folder)}
