"""What systemd says about a unit, and whether waiting for it makes sense."""

from __future__ import annotations

import shlex

from attrs import frozen

PROPERTIES = ("LoadState", "ActiveState", "SubState", "Result", "Job")


@frozen
class UnitState:
    """A unit's state in systemd's own words (systemctl(1)); `pending` counts the machine's jobs, if it is down."""

    load: str = "unknown"
    active: str = "unknown"
    sub: str = ""
    result: str = ""
    job: str = ""
    pending: int = 1

    @property
    def is_active(self) -> bool:
        """It is up."""
        return self.active == "active"

    @property
    def is_hopeless(self) -> bool:
        """It failed, does not exist, or is down with nothing left that could start it."""
        idle = self.active == "inactive" and not self.job and self.pending == 0
        return self.active == "failed" or self.load in ("not-found", "masked", "bad-setting", "error") or idle

    def __str__(self) -> str:
        if self.load not in ("loaded", "unknown"):
            return self.load
        detail = self.result if self.active == "failed" else self.sub
        return f"{self.active} ({detail})" if detail and detail != self.active else self.active


def show_command(unit: str) -> str:
    """The command whose output `parse` reads."""
    asked = " ".join(f"-p {name}" for name in PROPERTIES)
    # The machine's jobs only where they matter: each call of systemctl is half a second of an emulated machine.
    return (
        f'said=$(systemctl show {asked} -- {shlex.quote(unit)}) && echo "$said" && case $said in '
        "*ActiveState=inactive*) echo Pending=$(systemctl list-jobs --no-legend | wc -l) ;; esac"
    )


def parse(text: str) -> UnitState:
    """Read `systemctl show` and the number of pending jobs."""
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return UnitState(
        load=said.get("LoadState", "unknown"),
        active=said.get("ActiveState", "unknown"),
        sub=said.get("SubState", ""),
        result=said.get("Result", ""),
        job=said.get("Job", "").removeprefix("0"),
        pending=int(said.get("Pending", "1")),
    )
