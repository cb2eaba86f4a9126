"""Docker's volumes of Mailcow, as folders of this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .backups import DATASETS
from .machine import SetupError, values
from .tree import CONF


class NoVolumes(SetupError):
    """Mailcow has never been started here: Docker says so of every volume."""


INDEX = "vmail-index-vol-1"  # Dovecot makes it anew from the mail


@dataclass(frozen=True)
class Volume:
    """Where a volume's files are, and whether Docker keeps them in a folder of its own (else: on another disk)."""

    folder: Path
    plain: bool


def volumes(root: Path) -> Mapping[str, Volume]:
    """By name in docker-compose.yml, the volumes that matter and are there.

    Raises SetupError where Docker does not say of each that it is there or not, NoVolumes where there is none.
    """
    project = values(root / CONF).get("COMPOSE_PROJECT_NAME", "")
    names = {f"{project}_{name}": name for name in (*(dataset.volume for dataset in DATASETS), INDEX)}
    try:  # it fails where one is missing, and still prints the others
        done = subprocess.run(["docker", "volume", "inspect", *names], capture_output=True, text=True, check=False)
        found = json.loads(done.stdout or "[]")
    except (OSError, ValueError) as error:
        raise SetupError(f"docker volume inspect: {error}") from None
    missing = done.stderr.lower().count("no such volume")
    if done.returncode != 0 and missing < len(names) - len(found):
        complaint = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise SetupError(f"docker volume inspect: {complaint[-1]}")
    if not found:
        raise NoVolumes("Docker has no volume of Mailcow's: start it once, systemctl start mailcow")
    return {
        names[each["Name"]]: Volume(Path(each["Mountpoint"]), each["Driver"] == "local" and not each["Options"])
        for each in found
    }
