#!/usr/bin/python3
"""Docker's place inside: the containers are processes that others start and stop, a volume is a folder.

`docker run` is what Mailcow's backup script wants of it: its volumes at their places, then the command.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

VOLUMES = Path("/var/lib/docker/volumes")
WITH_VALUE = ("--name", "--network", "--sysctl")
IMAGE = "sha256:0123456789abcdef"
DIGEST = f'"digest": "{IMAGE}"'
LOG = Path("/var/log/docker.calls")
LAYER = Path("/backup_mariadb")  # what the backup writes into its container


def main(words: list[str]) -> int:
    """Do as much of it as is asked for here."""
    with LOG.open("a", encoding="utf-8") as log:
        log.write(" ".join(words) + "\n")
    match words:
        case ["volume", "ls", "-qf", name]:
            print(VOLUMES / named(name) / "_data")
        case ["volume", "inspect", *names]:
            print(json.dumps([volume(name) for name in names]))
        case ["inspect", "--format", "{{.Image}}", _container]:
            print(IMAGE)
        case ["ps" | "network", *_, name] if name.startswith("name="):
            print(named(name))
        case ["image" | "manifest", "inspect", *_]:
            print(DIGEST)
        case ["ps", "-q", *_, label]:
            print(label.partition("com.docker.compose.service=")[2])
        case ["exec", *rest]:
            return execute(rest)
        case ["run", *rest]:
            return run(rest)
    return 0


def volume(name: str) -> dict[str, object]:
    """What Docker knows of a volume."""
    return {"Name": name, "Mountpoint": str(VOLUMES / name / "_data"), "Driver": "local", "Options": None}


def named(text: str) -> str:
    """The name of a filter: name=^NAME$."""
    return text.removeprefix("name=").strip("^$")


def execute(words: list[str]) -> int:
    """Run a command with the variables that docker-compose.yml gives to MariaDB and Redis."""
    lines = (Path("/var/lib/mailcow/mailcow.conf").read_text("utf-8")).splitlines()
    conf = dict(line.split("=", 1) for line in lines if "=" in line)
    given = {"MYSQL_DATABASE": "DBNAME", "MYSQL_USER": "DBUSER", "MYSQL_PASSWORD": "DBPASS", "REDISPASS": "REDISPASS"}
    environment = {**os.environ, **{name: conf[variable] for name, variable in given.items()}}
    rest = iter(words)
    for word in rest:
        if word == "-e":
            name, _, value = next(rest).partition("=")
            environment[name] = value
        elif not word.startswith("-"):
            break  # the container
    return subprocess.run([*rest], env=environment, check=False).returncode


def run(words: list[str]) -> int:
    """Bind the volumes, run the command, and forget what it wrote beside them."""
    mounts, rest = [], iter(words)
    for word in rest:
        if word == "-v":
            mounts.append(next(rest))
        elif word in WITH_VALUE:
            next(rest)
        elif not word.startswith("-"):
            break  # the image
    script = ""
    for mount in mounts:
        source, place = mount.split(":")[:2]
        for folder in (source, place):
            Path(folder).mkdir(parents=True, exist_ok=True)
        script += f"mount --bind '{source}' '{place.rstrip('/')}' && "
    status = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script + 'exec "$@"', "sh", *rest], check=False
    ).returncode
    shutil.rmtree(LAYER, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
