"""Which programs our own scripts call, by their names, and whether the PATH that they are run with has them.

Debian's machines have all programs in one place; on NixOS each unit has those of the packages that it names, and what
none of them has shows when the unit needs it, perhaps amid a restore. So the scripts are read: shell word by word,
Python by the lists that it gives to those who start programs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from mailnix.nixos.carried import copied
from tests.nixos.stated import Texts, units

Packages = Mapping[str, Collection[str]]
"""The programs in a folder of a PATH, by the store path that holds the folder, its hash left out."""

_SHELLS: Final = frozenset(
    """
    alias break case cd command continue done echo esac eval exec exit export false fi for getopts hash in kill local
    printf pwd read return set shift test times trap true type ulimit umask unset wait
    """.split()  # noqa: SIM905 - as a shell's manual has them
)
_RUN_ANOTHER: Final = frozenset(("command", "env", "exec", "nice", "timeout", "xargs"))
_START: Final = frozenset(("Popen", "call", "check_call", "check_output", "command", "run", "said"))
"""Python's functions, and ours, that start the program that their first argument begins with."""

_MAILCOWS: Final = "/mailcow/guest/"  # modules, which are started by their names

PROGRAMS: Final[Mapping[str, str]] = {
    "bash-interactive": "bash",
    "coreutils": "basename cat chgrp chmod cp cut date dirname head install ln ls mkdir mktemp mv paste readlink rm seq"
    " sleep sort stat sync timeout touch tr uname wc",
    "dehydrated": "dehydrated",
    "diffutils": "cmp",
    "docker": "docker",
    "findutils": "find",
    "gawk": "awk",
    "getent-glibc-nolibgcc": "getent",
    "gnugrep": "grep",
    "gnused": "sed",
    "gnutar": "tar",
    "gzip": "gzip",
    "iproute2": "ip",
    "nftables": "nft",
    "openssh": "ssh-keygen",
    "openssl": "openssl",
    "python3": "python3",
    "systemd": "systemctl udevadm",
    "util-linux": "blkid mount umount",
    "which": "which",
    "wireguard-tools": "wg",
    "zstd": "zstd",
}
"""Of each package the programs that ours call, by its name in the store.

By Debian's packages of the same purpose, which vm-tests/nixos_layer/test_built_paths.py holds this to.
"""

NOT_READ: Final[Mapping[str, str]] = {
    # Mailcow's script of which this runs a copy (its `backup`), and programs by the ending of an archive's name.
    "mailcow-backup": "cp cut date docker find grep gzip head mkdir sed stat touch uname which zstd",
    "mailcow-restore": "gzip zstd",
}
"""What scripts call that is not in them."""
NEVER: Final[Mapping[str, str]] = {
    "mailcow-setup": "git",  # the tree is in the store, and nothing is fetched
}
"""What stands in scripts for Debian alone."""


def missing(texts: Texts, packages: Packages) -> list[str]:
    """`WHO: PROGRAM` for each that a script of ours calls by its name, and that is nowhere in its PATH."""
    found = set()
    for who, path, script in (*_scripts(texts), *_started(texts)):
        there = {name for folder in path.split(":") for name in packages.get(_package(folder), ())}
        wanted = {*called(script), *NOT_READ.get(who, "").split()} - {*NEVER.get(who, "").split()}
        found |= {f"{who}: {name}" for name in wanted - there}
    return sorted(found)


def of_nixpkgs(texts: Texts) -> dict[str, list[str]]:
    """What of PROGRAMS each store path has that the machine's PATHs name."""
    return {path: PROGRAMS.get(package_of(path), "").split() for path in paths(texts)}


def package_of(path: str) -> str:
    """A package's name, of a store path without its hash."""
    return re.sub(r"^/nix/store/|-\d[\d.].*$", "", path)


def paths(texts: Texts) -> set[str]:
    """The store paths, without hashes, in the PATHs that `missing` looks into."""
    return {_package(folder) for _, path, _ in (*_scripts(texts), *_started(texts)) for folder in path.split(":")}


def _package(folder: str) -> str:
    return re.sub(r"/s?bin$", "", folder)


def _scripts(texts: Texts) -> Iterator[tuple[str, str, str]]:
    """Ours in the store that say their own PATH: name, PATH, text; where one starts a module of Python, its text."""
    for path, text in texts.items():
        said = re.search(r"^export PATH=(\S+)", text, re.M)
        if path.startswith("store/") and said:
            module = re.search(r"from mailcow\.(\w+) import main", text)
            script = "\n".join(_modules(module[1])) if module else text.replace(said[0], "")
            yield re.sub(r"~\d+$", "", path.rpartition("/")[2]), said[1], script


def _started(texts: Texts) -> Iterator[tuple[str, str, str]]:
    """What our units start with the PATH that they have: name of the unit, PATH, text."""
    ours = {path.rpartition("/")[2]: text for path, text in _carried().items() if _MAILCOWS not in path}
    for unit, settings in units(texts).items():
        environment = " ".join(settings.get("Environment", ()))
        path = re.search(r"PATH=([^\"\s]+)", environment)
        for word in re.findall(r"/nix/store/(\S+\.(?:sh|py)|[\w-]+)(?= |$)", _commands(settings)):
            script = texts.get(f"store/{word}", ours.get(word, ""))
            if path and script and "export PATH=" not in script:
                yield unit, path[1], script


def _commands(settings: Mapping[str, list[str]]) -> str:
    return " ".join(word for key, said in settings.items() if key.startswith("Exec") for word in said).replace('"', "")


def _modules(name: str) -> list[str]:
    """The text of a module of Mailcow's programs, and of those that it imports."""
    there = {Path(path).stem: text for path, text in _carried().items() if _MAILCOWS in path}
    wanted, found = [name], dict[str, str]()
    while wanted:
        module = wanted.pop()
        if module in there and module not in found:
            found[module] = there[module]
            wanted += re.findall(r"from (?:mailcow)?\.(\w+) import", there[module])
            wanted += re.findall(r"\w+", " ".join(re.findall(r"^from \. import (.*)", there[module], re.M)))
    return list(found.values())


@cache
def _carried() -> Mapping[str, str]:
    """The files that a flake carries of mailnix, by their path in it."""
    return {file.path: file.data.decode(errors="replace") for file in copied().files}


def called(script: str) -> set[str]:
    """The programs that a script calls by their names."""
    return _by_python(script) if re.search(r"^(import|from) \w", script, re.M) else set(_by_shell(script))


def _by_python(script: str) -> set[str]:
    """The first word of lists that are run, where it is in the text."""
    found = set()
    for node in ast.walk(ast.parse(re.sub(r"^from __future__.*$", "", script, flags=re.M))):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], (ast.List, ast.Tuple)):
            function, first = node.func, next(iter(node.args[0].elts), None)
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in _START and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def _by_shell(script: str) -> Iterator[str]:
    """What stands where a command does: not in quotes, but for what is in `$( )` there."""
    text = re.sub(r"(?m)(^|\s)#.*$", "", script).replace("\\\n", " ")
    own = set(re.findall(r"(?m)^\s*(\w+)\(\)", text))
    text = re.sub(r"\$\(\(.*?\)\)|\$\{[^}]*\}", "_", text)
    for body in re.findall(r"trap '([^']*)'", text):
        yield from _by_shell(body)
    while inner := re.search(r"\$\(([^()]*)\)", text):
        yield from set(_by_shell(inner[1])) - own
        text = text.replace(inner[0], "_")
    text = re.sub(r"'[^']*'|\"(?:\\.|[^\"\\])*\"", "_", text)
    while inner := re.search(r"\(([^()]*)\)", text):  # of its own shell, or a function's
        text = text.replace(inner[0], f";{inner[1]};")
    text = re.sub(r"[^;\n]*\)", ";", text)  # a pattern of `case`
    for segment in re.split(r"[;&|(){}\n`]|\b(?:then|do|else|elif|if|while|until)\s|!", text):
        words = [word for word in segment.split() if not re.match(r"\w+=", word)]
        while words and words[0] in _RUN_ANOTHER:
            yield from {words[0]} - _SHELLS
            words = [word for word in words[1:] if not re.match(r"[-\d]", word)]
        yield from {*words[:1]} - own - _SHELLS if words and re.fullmatch(r"[a-z][\w.+-]*", words[0]) else ()
