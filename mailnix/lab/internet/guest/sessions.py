#!/usr/bin/env python3
"""Sessions of SMTP in bytes, several at once: each sends exactly what it is told to. Prints JSON.

Only the standard library; it runs on the internet machine. The exit status is 0 whenever there is a result to read.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

AT_ONCE = 4
QUIT = b"QUIT\r\n"


def replies(stream: Any) -> Iterator[str]:
    """The last line of each reply, to the end of the connection."""
    for line in stream:
        if line[3:4] != b"-":
            yield line.decode("latin-1").rstrip("\r\n")


def played(args: argparse.Namespace, steps: Sequence[str]) -> list[list[str]]:
    """What was said to each step, the greeting first; the last step has all replies that are left."""
    heard: list[list[str]] = []
    try:
        with socket.create_connection((args.host, args.port), args.patience, (args.source, 0)) as sock:
            answers = replies(sock.makefile("rb"))
            heard.append([next(answers)])
            for step in steps:
                sock.sendall(step.encode("latin-1"))
                heard.append([next(answers)])
            sock.sendall(QUIT)
            heard[-1] += answers
    except (OSError, StopIteration) as error:
        heard.append([f"{type(error).__name__}: {error}"])
    return heard


def main(argv: Sequence[str] | None = None) -> int:
    """Play every session."""
    options = argparse.ArgumentParser(description=__doc__)
    for name in ("host", "source"):
        options.add_argument(f"--{name}", required=True)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--patience", type=float, default=60.0, help="seconds for each answer")
    options.add_argument("--steps", action="append", default=[], help="a session: a JSON list of texts in Latin-1")
    args = options.parse_args(argv)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        heard = list(pool.map(lambda steps: played(args, json.loads(steps)), args.steps))
    print(json.dumps({"sessions": heard}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
