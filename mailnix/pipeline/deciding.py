"""From a file to a plan: load → check → derive, with the public keys that its secrets folder has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mailnix.errors import ConfigError, Severity
from mailnix.plan import Plan, derive

if TYPE_CHECKING:
    from mailnix.errors import Problem
    from mailnix.model import Topology

SECRETS_FOLDER = "secrets"


def load(config: Path) -> Topology:
    """The topology of a .py, .toml or .json file; raises ConfigError with every mistake in it."""
    from mailnix import config as loader
    from mailnix.model.check import ensure

    topology = loader.load(config)
    ensure(topology, str(config))
    return topology


def secrets_folder(config: Path, folder: Path | None = None) -> Path:
    """Where a description's secrets are: the folder given, or `secrets/` beside it."""
    return folder or config.resolve().parent / SECRETS_FOLDER


def problems(config: Path, secrets: Path | None = None) -> tuple[Problem, ...]:
    """Every mistake in a description, and once it has no errors, what is damaged in its secrets folder."""
    from mailnix import config as loader
    from mailnix.model import check

    try:
        topology = loader.load(config)
    except ConfigError as error:
        return error.problems
    found, folder = check.problems(topology), secrets_folder(config, secrets)
    if any(problem.severity is Severity.ERROR for problem in found) or not folder.is_dir():
        return found
    from mailnix.secrets import damaged

    return (*found, *damaged(derive(topology), folder))


def decided(config: Path) -> Plan:
    """Everything decided about a description, whatever its secrets folder holds: for who makes or mends that."""
    return derive(load(config))


def plan(config: Path, secrets: Path | None = None) -> Plan:
    """Everything decided about a description; records of keys are whole where the secrets folder has public halves.

    Raises SecretsError where a credential in that folder is damaged.
    """
    folder = secrets_folder(config, secrets)
    if not folder.is_dir():
        return decided(config)
    from mailnix.secrets import public_keys, refuse

    whole = derive(load(config), public_keys(folder))
    refuse(whole, folder)
    return whole
