"""The options that NixOS has, and whether a definition fits one.

nixos-options.json.gz maps option names to types as the manual describes them (nixpkgs 26.11 of July 2026), as far as
modules and machines of ours come near them; `python tests/nixos/options.py ALL.json.gz` makes it anew from the list of
every option, after a module began to set an option of a part of NixOS that was not touched before.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

SUBSET = Path(__file__).with_name("nixos-options.json.gz")
DEPTH = 2  # words of an option's name that make a part of NixOS: services.caddy, boot.loader
# What the example does not define: other topologies do, and a test of these tests.
MORE = [("users", "allowNoPasswordLogin"), ("networking", "interfaces"), ("security", "acme")]
ANYTHING = re.compile(
    r"(JSON|YAML 1\.1|TOML|unspecified|raw) value|anything|attribute set|module|atom\b.*|systemd option|"
    r"sysctl option value|INI atom.*|section of an INI file.*|"
    r"open submodule of unbound\.conf configuration type[\s\S]*"
)
SET = re.compile(r"(?:lazy )?attribute set of (.*)|open submodule of (.*)")
LIST = re.compile(r"list of (.*)")
STORE = "/nix/store/"


def known() -> dict[str, str]:
    """Option name → type."""
    options: dict[str, str] = json.loads(gzip.decompress(SUBSET.read_bytes()))
    return options


class Options:
    """Finds the type of an option by the words of its name."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self._tree: dict[str, Any] = {}
        for name, kind in types.items():
            node = self._tree
            for word in re.findall(r'"[^"]*"|[^.]+', name):
                node = node.setdefault("<name>" if word[0] == "<" else word.strip('"'), {})
            node[""] = kind

    def find(self, path: Sequence[str]) -> str | None:
        """The type of what stands at `path`: an option, or something inside of one that takes any name."""
        return self._find(self._tree, path)

    def wrong(self, path: Sequence[str], value: Any) -> Iterator[str]:
        """What is wrong with defining an option so; nothing, where all is well."""
        where = ".".join(path)
        kind = self.find(path)
        if value == {} and self._node(path):
            return  # definitions of its members, of which there are none now
        if isinstance(value, list) and self._each(path):
            for item in value:
                for name, inner in item.items():
                    yield from self.wrong([*path, "*", name], inner)
        elif kind is None:
            yield f"{where}: no such option"
        elif not fits(value, kind):
            yield f"{where}: {value!r} is no {kind}"

    def _each(self, path: Sequence[str]) -> bool:
        """Whether an option is a list of sets that have options of their own."""
        node = self._node(path)
        return node is not None and "*" in node

    def _node(self, path: Sequence[str]) -> dict[str, Any] | None:
        node: dict[str, Any] | None = self._tree
        for word in path:
            node = None if node is None else node.get(word) or node.get("<name>")
        return node

    def _find(self, node: Mapping[str, Any], path: Sequence[str]) -> str | None:
        if not path:
            return str(node[""]) if "" in node else None
        for name in (path[0], "<name>"):
            if name in node and (found := self._find(node[name], path[1:])) is not None:
                return found
        return _inside(node[""], path) if "" in node else None


def _inside(kind: str, path: Sequence[str]) -> str | None:
    """The type of a member of a set whose names are free; None where they are not."""
    for _ in path:
        kind = _bare(kind)
        if ANYTHING.fullmatch(kind):
            return kind
        found = SET.fullmatch(kind)
        if found is None:
            return None
        kind = found[1] or found[2]
        if found[2]:  # an open submodule of a set: the set is what it is open to
            inner = SET.fullmatch(_bare(kind))
            kind = inner[1] if inner else kind
    return None if _bare(kind) == "submodule" else kind


def fits(value: Any, kind: str) -> bool:
    """Whether an option of this type takes such a value, which has been through JSON."""
    return any(_fits(value, _bare(choice)) for choice in _choices(kind.removesuffix(" convertible to it")))


def _fits(value: Any, kind: str) -> bool:
    if len(_choices(kind)) > 1:
        return fits(value, kind)
    if ANYTHING.fullmatch(kind):
        return True
    match value:
        case None:
            return kind == "null"
        case bool():
            return kind == "boolean"
        case int():
            return re.search(r"\binteger\b", kind) is not None
        case list():
            found = LIST.fullmatch(kind)
            return found is not None and all(fits(item, found[1]) for item in value)
        case dict():
            found = SET.fullmatch(kind)
            return kind == "submodule" or (
                found is not None and all(fits(i, found[1] or found[2]) for i in value.values())
            )
        case str():
            return _fits_text(value, kind)
    raise TypeError(f"not a value of JSON: {value!r}")


def _fits_text(value: str, kind: str) -> bool:
    if pattern := re.fullmatch(r"string matching the pattern (.*)", kind):
        python = pattern[1].replace("[:alnum:]", "A-Za-z0-9").replace(r"\\", "\\")
        return re.fullmatch(python, value) is not None
    if re.match(r"one of |value ", kind):
        return f'"{value}"' in kind
    if kind == "package":
        return value.startswith(STORE)
    if "path" in kind:
        return value.startswith("/")
    return "string" in kind and not LIST.fullmatch(kind) and not SET.fullmatch(kind)


def _choices(kind: str) -> list[str]:
    """`A or B or (C or D)` as its three parts; what is in parentheses or quotes is left together."""
    parts, depth, quoted, start = [], 0, False, 0
    for position, character in enumerate(kind):
        quoted ^= character == '"'
        depth += (character == "(") - (character == ")")
        if not quoted and not depth and kind.startswith(" or ", position):
            parts.append(kind[start:position])
            start = position + 4
    return [*parts, kind[start:]]


def _bare(kind: str) -> str:
    """Without the parentheses around all of it."""
    found = re.fullmatch(r"(?:non-empty )?\(([^()]*(?:\([^()]*\)[^()]*)*)\)", kind)
    return found[1] if found else kind


def near(types: Mapping[str, str], used: Iterable[Sequence[str]]) -> dict[str, str]:
    """Those options that belong to a part of NixOS which is in use."""
    paths = [tuple(path) for path in used]
    parts = {path[:DEPTH] for path in paths} | {(path[0], "<name>") for path in paths} | set(MORE)
    return {name: kind for name, kind in types.items() if tuple(name.split(".")[:DEPTH]) in parts}


if __name__ == "__main__":
    import sys

    from tests.nixos import test_options
    from tests.nixos.conftest import found

    every = json.loads(gzip.decompress(Path(sys.argv[1]).read_bytes()))
    kept = near(every, [d["path"] for machine in test_options.every(found()) for d in machine["defined"]])
    text = json.dumps(kept, indent=0, sort_keys=True).encode()
    SUBSET.write_bytes(gzip.compress(text, mtime=0))
