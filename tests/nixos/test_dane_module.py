"""A key of a proxy's own on NixOS: the real module system makes of it the units that Debian has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailnix.debian.host import debian_host
from mailnix.nixos.carried import copied
from mailnix.nixos.flake import emit
from mailnix.plan import Plan, derive
from mailnix.services.dane.values import RENEW, SHOW, USER
from tests.descriptions import sound
from tests.nixos.conftest import Nix
from tests.nixos.test_evaluation import words

HERE = Path(__file__).parent
MODULES = f"[ (import {HERE.parents[1]}/modules).default ]"
OTHERWISE = ("Service.ExecStart", "Service.Environment", "Unit.Before", "Unit.Description", "Unit.Wants")
"""Programs live elsewhere, NixOS gives every service an environment, and each instance of Haraka takes its own copy."""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return derive(sound(dane=True))


@pytest.fixture(scope="module")
def found(nix: Nix, nixpkgs: Path, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the proxy evaluates to."""
    folder = tmp_path_factory.mktemp("flake")
    for file in emit(plan, copied()).files:
        path = folder / file.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    modules = f"{MODULES} ++ [ {folder}/hosts/{plan.proxies[0].name} ]"
    return nix.eval(f"import {HERE}/eval.nix {{ tree = {nixpkgs}; modules = {modules}; }}")


def test_the_machine_evaluates_without_a_warning(found: Any) -> None:
    assert (found["failed"], found["warnings"]) == ([], [])
    assert found["toplevel"]
    assert found["users"][USER]["isSystemUser"]


@pytest.mark.parametrize("unit", [f"{SHOW}.service", f"{RENEW}.service", f"{RENEW}.timer"])
def test_its_units_are_debians(plan: Plan, found: Any, unit: str) -> None:
    there = words(debian_host(plan, plan.proxies[0]).tree.file(f"/etc/systemd/system/{unit}").data.decode())
    here = words(found["units"][unit])
    for key in OTHERWISE:
        here.pop(key, None), there.pop(key, None)
    wanted = {key: value for key, value in there.items() if not key.startswith("Install.")}
    assert {key: value for key, value in here.items() if not key.startswith("Install.")} == wanted


def test_the_key_is_shown_before_either_haraka_takes_it(found: Any) -> None:
    unit = words(found["units"][f"{SHOW}.service"])
    assert {"haraka-in-tls.service", "haraka-out-tls.service"} <= unit["Unit.Before"]
    assert {"haraka-in-tls.service", "haraka-out-tls.service", f"{RENEW}.service"} == unit["Unit.Wants"]


def test_the_script_is_told_what_debians_is(plan: Plan, found: Any) -> None:
    """But for the programs, and for where the client's settings are."""
    for name in (SHOW, RENEW):
        unit = debian_host(plan, plan.proxies[0]).tree.file(f"/etc/systemd/system/{name}.service").data.decode()
        (there,) = (line for line in unit.splitlines() if line.startswith("ExecStart="))
        (here,) = (line for line in found["units"][f"{name}.service"].splitlines() if line.startswith("ExecStart="))
        asked = [word for word in there.split()[1:] if not word.endswith("dehydrated.conf")]
        given = [word for word in here.split()[2:] if not word.endswith("dehydrated.conf")]
        assert given == asked
