"""shell ROOT: what sshd runs for whoever logs in to a machine in a folder.

The program that keeps generations is the real one, and so is dpkg; what a plain shell would say of Debian 13, and
whether mail finds its way, is given: `answers` in ROOT has lines for guest/look.py in the place of "all is well".
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

from mailnix.services.generations import debian
from mailnix.services.generations.guest.main import do, words
from mailnix.services.generations.guest.world import Refused
from mailnix.services.generations.names import PROGRAM
from tests.services.generations.scratch import Scratch

PLAIN = """\
os=debian version=13 name=Debian GNU/Linux 13 (trixie)
host=srv1
arch=amd64
root=yes
sudo=
program={program}
"""


def main(root: Path, command: list[str]) -> int:
    """One command."""
    match command:
        case ["sh", "-s"]:
            there = (root / "program").read_text() if (root / "program").exists() else ""
            print(PLAIN.format(program=there), end="")
        case ["sh", "-c", _script, "sh", name]:
            (root / name).write_bytes(sys.stdin.buffer.read())
            (root / "program").write_text(debian.version())
        case ["python3", "-I", "-", questions]:
            given = root / "answers"
            asked = json.loads(questions)
            well = [[True, "220 mail.example.org"]] * len(asked)
            print(given.read_text() if given.exists() else json.dumps(well))
        case [program, *verb] if program == PROGRAM:
            try:
                print(json.dumps(do(Scratch(root), words().parse_args(verb))))
            except Refused as error:
                print(f"generations: {error}", file=sys.stderr)
                return error.status
        case _:
            print(f"{command}: not found", file=sys.stderr)
            return 127
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), shlex.split(os.environ["SSH_ORIGINAL_COMMAND"])))
