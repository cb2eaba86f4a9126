"""What only the machine at home has: Mailcow, its containers, its queue, its backups."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .here import CouldNotAsk, Here
from .mail import waiting
from .system import BETWEEN, LOOKS

LABEL = "com.docker.compose"
SHOWN = ("ActiveState", "Result", "ExecMainStatus", "ExecMainExitTimestampMonotonic")
STARTING = ("healthy", "starting", "")
"""Docker's words for the health of a container that has shown none to be bad."""


def mailq(here: Here, told: Any) -> Any:
    """Postfix' queue, as `queue` says of Haraka's, and why the late ones wait, the most frequent reason first."""
    postfix = container(here, told["project"], told["service"])
    said = here.ask("docker", "exec", postfix, "postqueue", "-c", told["config"], "-j", within=60.0)
    mails = [json.loads(line) for line in said.splitlines() if line.strip()]
    ages = [here.now() - float(mail["arrival_time"]) for mail in mails]
    late = [mail for mail, age in zip(mails, ages, strict=True) if age > told["late"]]
    reasons = Counter(str(who["delay_reason"])[:200] for mail in late for who in mail["recipients"] if _waits(who))
    return {**waiting(ages, told["late"]), "reasons": [reason for reason, _ in reasons.most_common(3)]}


def _waits(recipient: dict[str, Any]) -> bool:
    return bool(recipient.get("delay_reason"))


def container(here: Here, project: str, service: str) -> str:
    """Which container runs a service; raises CouldNotAsk."""
    labels = [f"--filter=label={LABEL}.project={project}", f"--filter=label={LABEL}.service={service}"]
    found = here.ask("docker", "ps", "--quiet", *labels).split()
    if not found:
        raise CouldNotAsk(f"{service} does not run")
    return found[0]


def containers(here: Here, told: Any) -> Any:
    """Each container of Mailcow, as Docker sees it; the services that there should be; what images their names mean."""
    found: list[dict[str, Any]] = []
    for look in range(LOOKS):
        found = list(_containers(here, told["project"]))
        if all(each["state"] == "running" and each["health"] in STARTING for each in found):
            break
        if look < LOOKS - 1:
            here.sleep(BETWEEN)
    wanted = here.ask("docker", "compose", "--project-directory", told["tree"], "config", "--services", within=60.0)
    record = json.loads(here.text(told["record"]))
    return {
        "containers": found,
        "services": sorted(wanted.split()),
        "images": [_image(here, name) for name in sorted({each["image"] for each in found})],
        "rev": str(record.get("rev", "")),
    }


def _containers(here: Here, project: str) -> Iterator[dict[str, Any]]:
    ids = here.ask("docker", "ps", "--all", "--quiet", f"--filter=label={LABEL}.project={project}").split()
    for each in json.loads(here.ask("docker", "inspect", *ids, within=60.0)) if ids else []:
        state = each["State"]
        yield {
            "service": each["Config"]["Labels"].get(f"{LABEL}.service", each["Name"].strip("/")),
            "state": state["Status"],
            "health": (state.get("Health") or {}).get("Status", ""),
            "exit": state.get("ExitCode", 0),
            "image": each["Config"]["Image"],
            "runs": each["Image"],
        }


def _image(here: Here, name: str) -> dict[str, Any]:
    """What a name means now: Docker's id, and the digests by which registries know it."""
    done = here.run("docker", "image", "inspect", name)
    if done.status != 0:
        return {"name": name, "id": "", "digests": []}
    (image,) = json.loads(done.out)
    return {"name": name, "id": image["Id"], "digests": image.get("RepoDigests") or []}


def backup(here: Here, told: Any) -> Any:
    """Backups that were finished: how many, the age of the last in seconds; how the last run ended; the last drill."""
    inside = here.at(told["folder"])
    whole = [path / told["sums"] for path in inside.glob(f"{told['prefix']}*")] if inside.is_dir() else []
    ages = [here.now() - path.stat().st_mtime for path in whole if path.is_file()]
    drill, born = (here.at(told[name]) for name in ("drill", "born"))
    return {
        "folder": inside.is_dir(),
        "count": len(ages),
        "last": min(ages, default=None),
        "result": _unit(here, told["unit"])["Result"],
        "drill": here.now() - drill.stat().st_mtime if drill.exists() else None,
        "born": here.now() - born.stat().st_mtime if born.exists() else None,
    }


def _unit(here: Here, name: str) -> dict[str, str]:
    said = here.ask("systemctl", "show", f"--property={','.join(SHOWN)}", "--", name)
    values = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    return {key: values.get(key, "") for key in SHOWN}


def provision(here: Here, told: Any) -> Any:
    """How the provisioner's last run ended, and its last words."""
    unit = _unit(here, told["unit"])
    for _ in range(LOOKS - 1):
        if unit["ActiveState"] in ("active", "failed"):
            break
        here.sleep(BETWEEN)
        unit = _unit(here, told["unit"])
    journal = ("journalctl", f"--unit={told['unit']}", "--lines=20", "--output=cat", "--quiet", "--no-pager")
    lines = [line for line in here.run(*journal).out.splitlines() if re.search(r"refused|\d+ changes|API", line)]
    return {
        "active": unit["ActiveState"],
        "result": unit["Result"],
        "status": unit["ExecMainStatus"],
        "said": [line[:200] for line in lines[-3:]],
    }
