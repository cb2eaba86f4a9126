#!/usr/bin/env python3
"""Somebody who tries ports: runs nmap from an address of its choice and prints JSON.

Only the standard library; it runs on the internet machine. The exit status is 0 whenever there is a result to read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Any, TypeAlias

Result: TypeAlias = dict[str, Any]

KINDS = {"tcp": "-sS", "udp": "-sU"}


def nmap_argv(args: argparse.Namespace) -> tuple[str, ...]:
    """nmap's words; probes leave from `--source`."""
    family = ("-6",) if ip_address(args.target).version == 6 else ()
    kind = (KINDS[args.transport], "-p", args.ports)
    pace = ("--max-retries", str(args.retries), "--min-rate", str(args.rate), "--max-rtt-timeout", "500ms", "-T4")
    leave = ("-S", args.source, "-e", args.interface)
    return ("nmap", "-n", "-Pn", *leave, *family, *kind, *pace, "-oX", "-", args.target)


def ports_of(report: str) -> Iterator[Result]:
    """The ports that an nmap report names, and their states."""
    for port in ET.fromstring(report).iter("port"):
        state = port.find("state")
        found = "" if state is None else state.get("state", "")
        yield {"port": int(port.get("portid", "0")), "protocol": port.get("protocol", ""), "state": found}


def tried(report: str) -> int:
    """How many ports an nmap report is about: those it names, and those it sums up."""
    found = ET.fromstring(report)
    return sum(int(extra.get("count", "0")) for extra in found.iter("extraports")) + len(list(found.iter("port")))


def scan(args: argparse.Namespace) -> Result:
    """Scan a target; the result lists every port that nmap does not sum up as filtered or closed.

    `tried` is how many ports were tried: none, where the target does not even answer ARP.
    """
    done = subprocess.run(nmap_argv(args), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {"ok": False, "error": done.stderr.strip() or done.stdout.strip()}
    ports = list(ports_of(done.stdout))
    found = sorted(port["port"] for port in ports if port["state"] == "open")
    return {"ok": True, "open": found, "tried": tried(done.stdout), "ports": ports}


def parser() -> argparse.ArgumentParser:
    """The options; `--ports` is a list as nmap reads it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("transport", choices=KINDS)
    for name in ("source", "target", "interface"):
        options.add_argument(f"--{name}", required=True)
    options.add_argument("--ports", default="1-65535")
    options.add_argument("--rate", type=int, default=3000)
    options.add_argument("--retries", type=int, default=1)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run one scan."""
    print(json.dumps(scan(parser().parse_args(argv))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
