"""Whether commit subjects are `area: verb …` in at most 72 characters.

commit_subject.py FILE          the message in FILE, as git's commit-msg hook gives it
commit_subject.py --range A..B  every commit of a range but merges
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LONGEST = 72  # what `git log` shows in a terminal of 80 columns, indented
FORM = re.compile(r"[a-z0-9][a-z0-9 ,./_-]*: [a-z0-9`].*[^.\s]")
BY_GIT = re.compile(r"(Merge|Revert|fixup!|squash!|amend!) ")


def problem(subject: str) -> str:
    """What is wrong with a subject; empty where nothing is."""
    if BY_GIT.match(subject):
        return ""
    if len(subject) > LONGEST:
        return f"{len(subject)} characters, not at most {LONGEST}: {subject}"
    if not FORM.fullmatch(subject):
        return f"not `area: verb …`, in lower case and without a full stop: {subject}"
    return ""


def subjects(commits: str) -> list[str]:
    """The subjects of a range of commits, but for merges."""
    argv = ["git", "log", "--no-merges", "--format=%s", commits, "--"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()


def main(argv: list[str]) -> int:
    """Print what is wrong; 1 where something is."""
    match argv:
        case ["--range", commits]:
            asked = subjects(commits)
        case [file]:
            asked = Path(file).read_text().splitlines()[:1]
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    found = [text for subject in asked if (text := problem(subject))]
    for text in found:
        print(text, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
