"""Newer programs, near those of nixpkgs, read what we emit as Debian 13's do. Asked where a root of them is named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mailnix.debian.host import debian_host
from mailnix.plan import HostPlan, Plan, derive
from mailnix.run import run
from mailnix.services.docker.render import DAEMON
from mailnix.tree import File
from tests.services.conftest import tool
from tests.versions.emitted import topologies
from tests.versions.newer_root import SUITE, VARIABLE, asked, bootstrap, without


def _sealed(plan: Plan, host: HostPlan) -> bool:
    sealed = {machine.name for machine in plan.topology.proxies if machine.sealed}
    return host.name in sealed or (host == plan.internal and plan.topology.internal.sealed)


def _param(plan: Plan, host: HostPlan) -> Any:
    return pytest.param(plan, host, id=f"{host.name}.{plan.topology.hostname}")


PLANS = [derive(topology) for topology in topologies()]
HOSTS = [_param(plan, host) for plan in PLANS for host in plan.hosts]
PROXIES = [_param(plan, host) for plan in PLANS for host in plan.proxies]
INTERNALS = [_param(plan, plan.internal) for plan in PLANS]
REACHABLE = [_param(plan, host) for plan in PLANS for host in plan.hosts if not _sealed(plan, host)]
# A root that is not running has neither a bus nor keys; these programs are not on every machine.
NOT_BOOTED = ("credential", "wireguard", "No private key", "varlink socket", "cgroup", "is masked", "not executable")
NOT_THERE = ("No such file or directory", "sshd.service failed to load")  # masked on a sealed machine, which has none
UNITS = "cd /etc/systemd/system; systemd-analyze verify --man=no $(ls | grep -E '[.](service|socket|timer|path)$')"
NETWORKD = """
systemd-sysusers 2>/dev/null
for d in /run/systemd/netif /run/systemd/netif/links /run/systemd/netif/leases; do
  mkdir -p $d; chown systemd-network:systemd-network $d
done
SYSTEMD_LOG_TARGET=console timeout 5 /usr/lib/systemd/systemd-networkd
"""
SSHD = "mkdir -p /run/sshd; ssh-keygen -A >/dev/null; sshd -T"


def flat(value: Any) -> Any:
    """Without routes that do nothing but contain routes: since 2.8 `handle_errors` is one more of them."""
    match value:
        case {"routes": [{"handle": [{"handler": "subroute", "routes": inner, **more}], **rest}]} if not more | rest:
            return flat({**value, "routes": inner})
        case dict():
            return {key: flat(item) for key, item in value.items()}
        case list():
            return [flat(item) for item in value]
        case _:
            return value


@pytest.fixture
def newer() -> Path:
    root = os.environ.get(VARIABLE)
    if not root:
        pytest.skip(f"{VARIABLE} names no Debian root with newer programs (python -m tests.versions.newer_root DIR)")
    return Path(root)


@pytest.fixture
def files(host: HostPlan, plan: Plan, tmp_path: Path) -> Path:
    """The host's files and links, as they lie on Debian."""
    folder = tmp_path / "files"
    for entry in debian_host(plan, host).tree:
        path = folder / entry.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry, File):
            path.write_bytes(entry.data)
            path.chmod(entry.mode)
        else:
            path.symlink_to(entry.target)
    return folder


@pytest.mark.parametrize(("plan", "host"), HOSTS)
def test_every_unit_is_understood(newer: Path, files: Path, tmp_path: Path) -> None:
    said = asked(newer, files, UNITS, tmp_path).splitlines()
    assert without(said, (*NOT_BOOTED, *NOT_THERE)) == []


@pytest.mark.parametrize(("plan", "host"), HOSTS)
def test_networkd_knows_every_key(newer: Path, files: Path, tmp_path: Path) -> None:
    assert without(asked(newer, files, NETWORKD, tmp_path).splitlines(), NOT_BOOTED) == []


@pytest.mark.parametrize(
    ("path", "text", "script", "said"),
    [
        ("network/x.network", "[Match]\nName=x\n[Network]\nAddres=10.0.0.1/8\n", NETWORKD, "Unknown key 'Addres'"),
        ("system/x.service", "[Service]\nExecStart=/bin/true\nPrivatTmp=yes\n", UNITS, "Unknown key 'PrivatTmp'"),
    ],
)
def test_a_key_that_no_systemd_knows_is_noticed(
    newer: Path, tmp_path: Path, path: str, text: str, script: str, said: str
) -> None:
    file = tmp_path / "files/etc/systemd" / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert said in asked(newer, tmp_path / "files", script, tmp_path)


@pytest.mark.parametrize(("plan", "host"), REACHABLE)
def test_sshd_takes_each_setting_as_it_stands(newer: Path, files: Path, tmp_path: Path) -> None:
    path = files / "etc/ssh/sshd_config.d/10-mailnix.conf"
    said = {line.lower() for line in asked(newer, files, SSHD, tmp_path).splitlines()}
    set_here = {line.lower() for line in path.read_text().splitlines()}
    assert {line.replace("without-password", "prohibit-password") for line in said} >= set_here


@pytest.mark.parametrize(("plan", "host"), HOSTS)
def test_nft_takes_the_ruleset(newer: Path, files: Path, tmp_path: Path) -> None:
    assert asked(newer, files, "nft --check --file /etc/mailnix/firewall.nft && echo fits", tmp_path) == "fits\n"


@pytest.mark.parametrize(("plan", "host"), PROXIES)
def test_caddy_adapts_the_caddyfile_to_the_same_configuration(newer: Path, files: Path, tmp_path: Path) -> None:
    path = files / "etc/caddy/Caddyfile"
    adapt = "adapt --adapter caddyfile --config"
    here = run([tool("caddy"), *adapt.split(), path], env={"HOME": str(tmp_path)}).stdout
    there = asked(newer, files, f"caddy {adapt} /etc/caddy/Caddyfile 2>/dev/null", tmp_path)
    assert flat(json.loads(there)) == flat(json.loads(here))


@pytest.mark.parametrize(("plan", "host"), PROXIES)
def test_unbound_takes_each_setting_as_it_stands(newer: Path, files: Path, tmp_path: Path) -> None:
    path = files / "etc/unbound/unbound.conf.d/mailnix.conf"
    names = [line.split(":")[0].strip() for line in path.read_text().splitlines() if line.startswith(" ")]
    ask = f"f={path.relative_to(files)}; unbound-checkconf /$f; for k in {' '.join(names)}; do "
    said = asked(newer, files, f'{ask} unbound-checkconf -o $k /$f || echo "$k?"; done', tmp_path)
    assert "no errors" in said.splitlines()[0]
    assert "?" not in said


@pytest.mark.parametrize(("plan", "host"), INTERNALS)
def test_docker_takes_its_settings(newer: Path, files: Path, tmp_path: Path) -> None:
    path = files / "etc/docker/daemon.json"
    said = asked(newer, files, "dockerd --validate --config-file /etc/docker/daemon.json", tmp_path)
    assert (said, set(json.loads(path.read_text()))) == ("configuration OK\n", set(DAEMON))


def test_the_root_is_made_of_debians_unstable_release() -> None:
    command = bootstrap(Path("/somewhere"))
    assert command[-2:] == [SUITE, "/somewhere"]
    assert "systemd" in command[2].split("=")[1].split(",")
