"""Every option that modules, machines and VM checks define exists and takes such a value, without any nixpkgs at hand.

A stand-in for NixOS's module system (standin/) calls the modules; what they define is compared with the options that
NixOS has, and what machines define of ours with the options that our modules declare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailnix import Topology
from mailnix.nixos.carried import copied
from mailnix.nixos.flake import emit
from mailnix.plan import derive
from tests.nixos.conftest import Nix
from tests.nixos.options import Options, fits, known
from tests.nixos.test_emission import ipv4_only_topology, other_topology

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
OUR_MODULES = f"(import {REPOSITORY}/modules).default"
HOSTS = [f"{REPOSITORY}/hosts/{name}" for name in ("proxy", "internal")]
NODE = "(import {}/vm-tests/nixos/{}.nix).nodes.machine"


def evaluated(nix: Any, *modules: str) -> Any:
    """What modules define and declare."""
    return nix.eval(f"import {HERE}/standin {{ modules = [ {' '.join([OUR_MODULES, *modules])} ]; }}")


def every(nix: Any) -> Iterator[Any]:
    """The example's machines in one evaluation, with what modules define by themselves; the VM checks of one node."""
    yield evaluated(nix, *HOSTS)
    for check in ("haraka", "mailcow"):
        # The other service stands still there: its definitions would miss what a machine gives.
        node = NODE.format(REPOSITORY, check)
        yield nix.eval(f"import {HERE}/standin {{ modules = [ {REPOSITORY}/modules/{check} ({node}) ]; }}")


def wrong(found: Any) -> list[str]:
    options = Options({**known(), **{option["name"]: option["type"] for option in found["declared"]}})
    return [text for each in found["defined"] for text in options.wrong(each["path"], each["value"])]


def test_modules_and_the_examples_machines_define_what_there_is(nix: Nix) -> None:
    found = evaluated(nix, *HOSTS)
    assert wrong(found) == []
    paths = {".".join(each["path"]) for each in found["defined"]}
    # Behind conditions, in functions of other files, and for services of NixOS's own.
    assert {
        "systemd.services.mailcow-backup.startAt",
        "systemd.services.haraka-in.serviceConfig.User",
        "systemd.services.caddy.environment.SSL_CERT_DIR",
    } <= paths


def test_vm_checks_of_one_node_define_what_there_is(nix: Nix) -> None:
    for found in list(every(nix))[1:]:
        assert wrong(found) == []


def test_machines_that_cannot_work_are_refused_with_the_reason(nix: Nix) -> None:
    cases = nix.eval(f"import {HERE}/wrong.nix {{ modules = [ {OUR_MODULES} ]; }}")
    unsaid = {name: case for name, case in cases.items() if not any(case["says"] in text for text in case["failed"])}
    assert len(cases) >= 20
    assert unsaid == {}


@pytest.mark.parametrize("topology", [other_topology, ipv4_only_topology])
def test_machines_of_other_topologies_define_what_there_is(
    nix: Nix, tmp_path: Path, topology: Callable[[], Topology]
) -> None:
    plan = derive(topology())
    for file in emit(plan, copied()).files:
        path = tmp_path / file.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    assert wrong(evaluated(nix, *(f"{tmp_path}/hosts/{host.name}" for host in plan.hosts))) == []


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("{ services.caddy.enabel = true; }", "services.caddy.enabel: no such option"),
        ("{ services.cady.enable = true; }", "services.cady.enable: no such option"),
        ("{ systemd.services.x.serviceConfigs.Type = 1; }", "systemd.services.x.serviceConfigs.Type: no such option"),
        ("{ services.haraka.instances.a.plugin = [ ]; }", "services.haraka.instances.a.plugin: no such option"),
        ("{ services.mailcow.hostnam = 1; }", "services.mailcow.hostnam: no such option"),
        ("{ services.caddy.enable = 1; }", "services.caddy.enable: 1 is no boolean"),
        ("{ mailnix.credentials.names = true; }", "mailnix.credentials.names: True is no list of"),
        (
            "({ lib, config, ... }: { config = lib.mkIf false { boot.loader.grubb.enable = lib.mkDefault true; }; })",
            "boot.loader.grubb.enable: no such option",
        ),
        (
            '{ networking.interfaces.eth1.ipv4.addresses = [ { addres = "10.0.0.1"; prefixLength = 24; } ]; }',
            "networking.interfaces.eth1.ipv4.addresses.*.addres: no such option",
        ),
        ('{ environment.etc.x.mode = "0644"; networking.hostName = [ ]; }', "networking.hostName: [] is no string"),
    ],
)
def test_a_misspelt_option_or_a_wrong_type_is_noticed(nix: Nix, module: Any, said: str) -> None:
    found = wrong(evaluated(nix, *HOSTS, module))
    assert len(found) == 1
    assert found[0].startswith(said)


@pytest.mark.parametrize(
    ("value", "kind", "taken"),
    [
        ("a", "null or string", True),
        (None, "null or string", True),
        ("a", "list of string", False),
        (["a"], "null or (list of string)", True),
        ([1], "list of string", False),
        (["a"], "list of (package or string)", True),
        ("info", 'null or one of "debug", "info"', True),
        ("inf", 'null or one of "debug", "info"', False),
        ("auto", 'value "auto" (singular enum) or (positive integer, meaning >0)', True),
        (8, 'value "auto" (singular enum) or (positive integer, meaning >0)', True),
        (True, "signed integer", False),
        ("x", "absolute path", False),
        ("/x", "null or absolute path", True),
        ({"a": 1}, "attribute set of string", False),
        ({"a": "b"}, "attribute set of string", True),
    ],
)
def test_a_value_fits_a_type_as_the_manual_words_it(value: Any, kind: str, taken: bool) -> None:
    assert fits(value, kind) is taken
