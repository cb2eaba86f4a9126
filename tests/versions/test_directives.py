"""Every directive that we emit has been looked up in what newer programs changed (reviewed.toml)."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

import pytest

from tests.versions.emitted import READERS, emitted, topologies, unread
from tests.versions.nixos import defined
from tests.versions.table import reviewed

LOOK_UP = "look these up in what newer versions changed, then enter them in tests/versions/reviewed.toml"
# Ours, Haraka's, Mailcow's, or of a form that has no directives.
OTHERS = (
    "/etc/haraka-*",
    "/etc/mailnix/*",
    "/usr/lib/*",
    "/etc/apt/apt.conf.d/20auto-upgrades",
    "/etc/hostname",
    "/etc/hosts",
    "/root/.ssh/authorized_keys",
)


def test_every_directive_of_debians_machines_has_been_looked_up() -> None:
    known = reviewed().directives
    new = {program: names - known.get(program, set()) for program, names in emitted(topologies()).items()}
    assert {program: sorted(names) for program, names in new.items() if names} == {}, LOOK_UP


def test_the_list_has_nothing_that_is_emitted_no_more(nix: Any) -> None:
    everything = emitted(topologies())
    for program, names in of_modules(nix).items():
        everything.setdefault(program, set()).update(names)
    old = {program: names - everything.get(program, set()) for program, names in reviewed().directives.items()}
    assert {program: sorted(names) for program, names in old.items() if names} == {}


def test_every_directive_of_nixos_modules_and_machines_has_been_looked_up(nix: Any) -> None:
    known = reviewed().directives
    new = {program: names - known.get(program, set()) for program, names in of_modules(nix).items()}
    assert {program: sorted(names) for program, names in new.items() if names} == {}, LOOK_UP


def of_modules(nix: Any) -> dict[str, set[str]]:
    from tests.nixos.test_options import every

    return defined(each for found in every(nix) for each in found["defined"])


@pytest.fixture(scope="module")
def nix() -> Any:
    from tests.nixos.conftest import found

    return found()


def test_no_file_with_directives_is_left_out() -> None:
    left = {path for path in unread(topologies()) if not any(fnmatch(path, pattern) for pattern in OTHERS)}
    assert left == set()


CADDYFILE = """{
	email a
}
a.example {
	@x path /y
	handle @x {
		respond "a
b {" 200
	}
}
"""
RULES = """table inet mine {
  # no
  chain in { iifname "wg0" ct state new jump rest }
}
"""


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        (
            "/etc/systemd/system/a.service",
            "[Unit]\nAfter=b\n# X=1\n[Service]\nType=simple\n",
            "Unit.After Service.Type",
        ),
        ("/etc/systemd/network/a.network", "[Route]\nGateway=::1\n\n[Route]\nTable=5\n", "Route.Gateway Route.Table"),
        ("/etc/ssh/sshd_config.d/a", "# X y\nPermitRootLogin no\n", "PermitRootLogin"),
        (
            "/etc/unbound/unbound.conf.d/a",
            "server:\n  do-ip6: no\nstub-zone:\n  name: .\n",
            "server.do-ip6 stub-zone.name",
        ),
        ("/etc/docker/daemon.json", '{"ipv6": true}', "ipv6"),
        ("/etc/caddy/Caddyfile", CADDYFILE, "email path handle respond"),
        ("/etc/mailnix/firewall.nft", RULES, "table inet chain iifname ct state new jump"),
        ("/etc/sysctl.d/a.conf", "net.ipv4.ip_forward = 1\n", "net.ipv4.ip_forward"),
    ],
)
def test_directives_are_read_from_each_form(path: str, text: str, names: str) -> None:
    reader = next(reader for pattern, _, reader in READERS if fnmatch(path, pattern))
    assert set(reader(text)) == set(names.split())


def test_settings_of_nixos_are_read_as_the_programs_names() -> None:
    given = [
        (["systemd", "services", "a", "serviceConfig", "Type"], "oneshot"),
        (["systemd", "services", "a", "serviceConfig"], {"PrivateTmp": True}),
        (["systemd", "services", "a", "after"], ["b"]),
        (["systemd", "network", "networks", "a", "routes"], [{"Gateway": "::1"}, {"Metric": 1}]),
        (["systemd", "network", "netdevs", "a", "wireguardConfig", "ListenPort"], 1),
        (["services", "unbound", "settings", "server", "do-ip6"], True),
        (["boot", "kernel", "sysctl", "net.ipv4.ip_forward"], 1),
    ]
    assert defined({"path": path, "value": value} for path, value in given) == {
        "systemd": {"Service.Type", "Service.PrivateTmp"},
        "systemd-networkd": {"Route.Gateway", "Route.Metric", "WireGuard.ListenPort"},
        "unbound": {"server.do-ip6"},
        "sysctl": {"net.ipv4.ip_forward"},
    }
