"""Ask this machine what the doctor wants to know: TOLD is an object, question to what it is told; prints answers.

Each question is asked by itself: one that cannot be answered says why, and takes nothing from the others. Whatever has
not answered in time is left, so that no disk or daemon that hangs holds up the rest.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from . import admin, deployed, home, mail, network, system
from .here import CouldNotAsk, Here, end_all

Question = Callable[[Here, Any], Any]

QUESTIONS: Mapping[str, Question] = {
    "units": system.units,
    "clock": system.clock,
    "disks": system.disks,
    "memory": system.memory,
    "updates": system.updates,
    "reboot": system.reboot,
    "credentials": system.credentials,
    "tunnels": network.tunnels,
    "mtu": network.mtu,
    "firewall": network.firewall,
    "port25": network.port25,
    "xclient": mail.xclient,
    "queue": mail.queue,
    "served": mail.served,
    "files": mail.files,
    "mailq": home.mailq,
    "containers": home.containers,
    "backup": home.backup,
    "provision": home.provision,
    "admin": admin.admin,
    "generation": deployed.generation,
    "drift": deployed.drift,
}

AT_ONCE = 4
"""Questions under way: a proxy has one processor and 512 MB."""

PATIENCE = 150.0
"""Seconds for all of them; the longest, a search for a tunnel's MTU, takes half a minute."""


def answers(
    here: Here, told: Mapping[str, Any], patience: float = PATIENCE, known: Mapping[str, Question] = QUESTIONS
) -> dict[str, dict[str, Any]]:
    """Each question's answer: {"ok": …} or {"failed": "why"}."""
    found: dict[str, dict[str, Any]] = {}
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
    for name in told:
        waiting.put(name)

    def work() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            done.put((name, answer(here, name, told[name], known)))

    for _ in range(min(AT_ONCE, len(told))):
        threading.Thread(target=work, daemon=True).start()
    end = time.monotonic() + patience
    while len(found) < len(told):
        try:
            name, said = done.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        found[name] = said
    late = {"failed": f"it took longer than {patience:.0f} seconds"}
    return {name: found.get(name, late) for name in told}


def answer(here: Here, name: str, told: Any, known: Mapping[str, Question] = QUESTIONS) -> dict[str, Any]:
    """One question's. Whatever goes wrong in it, a fault of ours too, is a reason and no end."""
    try:
        return {"ok": known[name](here, told)}
    except CouldNotAsk as error:
        return {"failed": str(error)}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"[:300]}


def main(text: str, known: Mapping[str, Question] = QUESTIONS) -> None:
    """Ask, print, and leave what hangs behind."""
    here = Here()
    release = here.text("/etc/os-release") if here.at("/etc/os-release").exists() else ""
    names = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    said = {
        "os": names.get("ID", "").strip("\"'"),
        "name": names.get("PRETTY_NAME", "").strip("\"'"),
        "host": os.uname().nodename,
        "answers": answers(here, json.loads(text), known=known),
    }
    print(json.dumps(said), flush=True)
    end_all()
    os._exit(0)  # a thread that hangs in a file system would hold us up
