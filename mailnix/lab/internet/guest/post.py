#!/usr/bin/env python3
"""The remote mail server's hands: send a mail, wait for what its log says, read its mailboxes, be busy. Prints JSON.

Only the standard library; it runs on the internet machine beside the Postfix that it speaks about.
"""

from __future__ import annotations

import argparse
import email.utils
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

LOG = "/var/log/postfix.log"
MAILDIRS = "/var/mail/internet"
BUSY = "/etc/postfix/busy.regexp"
BUSY_LINE = "/^/ 451 4.3.2 Busy on purpose, come back later\n"
POLL = 0.5

Result: TypeAlias = dict[str, Any]


def text(args: argparse.Namespace) -> str:
    """A small message whose subject and Message-ID carry the token."""
    return (
        f"From: {args.sender}\nTo: {', '.join(args.to)}\nSubject: {args.token}\n"
        f"Date: {email.utils.formatdate()}\nMessage-ID: <{args.token}@{args.sender.split('@')[1]}>\n\n"
        f"This is {args.token}.\n"
    )


def entries(log: str, token: str) -> tuple[str, list[str]]:
    """The queue id of the message with this token (empty where there is none), and every log line about it."""
    found = re.search(rf": ([0-9A-Za-z]+): message-id=<{re.escape(token)}@", log)
    if found is None:
        return "", []
    return found[1], [line for line in log.splitlines() if f": {found[1]}: " in line]


def fates(lines: Sequence[str]) -> dict[str, Result]:
    """What became of each recipient, by the last line about it."""
    wanted = re.compile(r"to=<([^>]*)>.* relay=(\S+),.* status=(\w+) \((.*)\)$")
    return {
        match[1]: {"relay": match[2], "status": match[3], "said": match[4]}
        for match in map(wanted.search, lines)
        if match
    }


def tls_with(log: str, relay: str) -> str:
    """The line about the TLS connection that reached a relay (`name[address]:port`), the last one."""
    lines = [line for line in log.splitlines() if "TLS connection established to " + relay in line]
    return lines[-1].split(": ", 1)[-1] if lines else ""


def send(args: argparse.Namespace) -> Result:
    """Hand a message to Postfix, and wait until each recipient's fate is decided, or `--status` is seen."""
    argv = ["sendmail", "-f", args.sender, "--", *args.to]
    subprocess.run(argv, input=text(args).encode(), check=True)
    return fate(args)


def fate(args: argparse.Namespace) -> Result:
    """Wait for the fate of a message that was sent before."""
    deadline = time.monotonic() + args.timeout
    wanted = set(args.status or ("sent", "bounced"))
    while True:
        log = Path(LOG).read_text(errors="replace")
        queue_id, lines = entries(log, args.token)
        known = fates(lines)
        done = all(to in known and known[to]["status"] in wanted for to in args.to)
        if done or time.monotonic() > deadline:
            for found in known.values():
                found["tls"] = tls_with(log, found["relay"])
            return {"ok": done, "queue_id": queue_id, "recipients": known}
        time.sleep(POLL)


def inbox(args: argparse.Namespace) -> Result:
    """Wait until a mailbox has messages with the token; gives them back whole."""
    deadline = time.monotonic() + args.timeout
    while True:
        found = [text for text in messages(args.mailbox) if args.token in text]
        if found or time.monotonic() > deadline:
            return {"ok": bool(found), "count": len(found), "messages": found}
        time.sleep(POLL)


def messages(mailbox: str) -> list[str]:
    """Every message of a mailbox."""
    files = [path for part in ("new", "cur") for path in Path(MAILDIRS, place(mailbox)).glob(f"{part}/*")]
    return [path.read_text(errors="replace") for path in sorted(files)]


def place(address: str) -> str:
    """`carol@elsewhere.test` lives in `elsewhere.test/carol`."""
    local, _, domain = address.partition("@")
    return f"{domain}/{local}"


def busy(args: argparse.Namespace) -> Result:
    """Answer everybody with a temporary error (`on`), or stop doing so (`off`)."""
    Path(BUSY).write_text(BUSY_LINE if args.state == "on" else "")
    subprocess.run(["postfix", "reload"], check=True, capture_output=True)
    return {"ok": True, "busy": args.state == "on"}


def flush(_args: argparse.Namespace) -> Result:
    """Try everything in the queue again, now."""
    subprocess.run(["postqueue", "-f"], check=True)
    return {"ok": True}


def log(args: argparse.Namespace) -> Result:
    """Wait for a log line that matches; gives the matching lines back."""
    deadline = time.monotonic() + args.timeout
    while True:
        lines = [ln for ln in Path(LOG).read_text(errors="replace").splitlines() if re.search(args.pattern, ln)]
        if lines or time.monotonic() > deadline:
            return {"ok": bool(lines), "lines": lines[-20:]}
        time.sleep(POLL)


VERBS = {"send": send, "fate": fate, "inbox": inbox, "busy": busy, "flush": flush, "log": log}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("verb", choices=VERBS)
    for name in ("token", "sender", "mailbox", "pattern"):
        options.add_argument(f"--{name}", default="")
    options.add_argument("--state", choices=("on", "off"), default="off")
    options.add_argument("--timeout", type=float, default=0.0)
    options.add_argument("--to", action="append", default=[])
    options.add_argument("--status", action="append", default=[])
    print(json.dumps(VERBS[(args := options.parse_args(argv)).verb](args)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
