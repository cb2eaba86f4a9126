"""What the example's machines are once built, as text: run this when a change of emission or modules is meant.

    MAILNIX_NIXPKGS=/path/to/nixpkgs python -m tests.nixos.golden

NixOS's layer of both machines is built (mailnix/lab/nixos), and of a machine without us. What the first have and the
second has not is written below tests/nixos/golden: files of /etc (units, networkd, sysctls, tmpfiles, PAM …), the
activation script, and what units name in the store (rulesets, configuration, scripts), with hashes taken out. So a
diff shows what a change does to a machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mailnix.image.cache import cache_dir
from mailnix.lab.nixos.build import Layer, Wanted, layer
from mailnix.lab.nixos.root import LAYER
from mailnix.nixos.carried import copied
from mailnix.nixos.flake import emit, machines
from mailnix.services.mailcow.pin import PIN
from mailnix.write import write_tree
from tests.nixos.regenerate import REPOSITORY, example

GOLDEN: Final = REPOSITORY / "tests/nixos/golden"
INPUTS: Final = GOLDEN / "inputs.json"
BARE: Final = """{
  networking.hostName = "bare";
  networking.useNetworkd = true;
  system.stateVersion = "25.11";
}
"""
UNFETCHED: Final = (PIN.nar_hash,)
"""Mailcow's tree, which no text is in."""
PINNED: Final = re.compile(r"/nix/store/[0-9a-z]{32}-")
OTHERS: Final = re.compile(r"store/(X-|nixos-system-|udev-rules/|dbus-1/|[^/]*-[0-9][0-9.]*/bin/)")
"""What follows from the rest, or is a stub's."""
LARGEST: Final = 200_000  # bytes; what is larger is nobody's configuration


def inputs() -> dict[str, str]:
    """The digest of every file that decides what the machines are, nixpkgs left out."""
    emitted = {file.path[1:]: file.data for file in (*machines(example()), *copied().files)}
    ours = {f"layer/{path.name}": path.read_bytes() for path in LAYER.iterdir() if path.is_file()}
    return {path: hashlib.sha256(data).hexdigest()[:16] for path, data in sorted({**emitted, **ours}.items())}


def built(made: Layer, work: Path) -> dict[str, dict[str, str]]:
    """Every machine's texts by path: what it has, and a machine without us has not, or has another."""
    (work / "bare.nix").write_text(BARE)
    write_tree(emit(example(), copied()), work / "flake")
    tops = dict(made.build(Wanted(work / "flake", {"bare": (work / "bare.nix",)}, unfetched=UNFETCHED)))
    bare = tops.pop("bare")
    return {name: texts(made, top, bare) for name, top in tops.items()}


def texts(made: Layer, top: str, bare: str) -> dict[str, str]:
    """A machine's texts by path, but for those of `bare`."""
    plain = dict(_etc(made, bare))
    etc = {path: text for path, text in _etc(made, top) if plain.get(path) != text}
    return distinct({**etc, **dict(_store(made, {*made.closure(top)} - {*made.closure(bare)}))})


def distinct(texts: Mapping[str, str]) -> dict[str, str]:
    """What is in no other file: /etc's links lead to the store, and programs differ from ours in their first line."""
    ours = {*machines(example()), *copied().files}
    seen = {_body(file.data.decode(errors="replace")) for file in ours}
    found = {path: text for path, text in texts.items() if not path.startswith("store/")}
    seen |= {_body(text) for text in found.values()}
    for path, text in texts.items():
        if path not in found and _body(text) not in seen and not OTHERS.match(path):
            seen.add(_body(text))
            found[path] = text
    return found


def _body(text: str) -> str:
    return text.partition("\n")[2].strip() if text.startswith("#!") else text.strip()


def units(made: Layer, top: str) -> dict[str, str]:
    """What all units and rules of tmpfiles say of a machine, whether one without us has them or not."""
    folders = ("systemd/system", "tmpfiles.d")
    return {path: text for each in folders for path, text in _linked(made, f"etc/{each}", f"{top}/etc/{each}")}


def _etc(made: Layer, top: str) -> Iterator[tuple[str, str]]:
    """/etc and the activation script; a unit that is off is said to be."""
    yield "activate", _plain(made.path(f"{top}/activate").read_text())
    etc = _followed(made, f"{top}/etc")
    for path in sorted(etc.rglob("*")):
        name = f"etc/{path.relative_to(etc)}"
        if path.name == "mtab":
            continue  # leads to /proc/mounts: of the machine that reads it, and of its moment
        if path.is_symlink() and str(path.readlink()) == "/dev/null":
            yield name, "masked\n"
        elif path.is_symlink() and str(target := path.readlink()).startswith("/nix/store/"):
            yield from _linked(made, name, str(target))
        elif path.is_file():
            yield name, _text(path) or "not text\n"
        elif path.is_symlink():
            yield name, f"-> {path.readlink()}\n"


def _linked(made: Layer, name: str, target: str) -> Iterator[tuple[str, str]]:
    place = _followed(made, target)
    if place.is_dir():
        for path in sorted(place.rglob("*")):
            yield from _linked(made, f"{name}/{path.relative_to(place)}", made_path(made, path))
    elif place.is_file():
        yield name, _text(place) or "not text\n"


def made_path(made: Layer, path: Path) -> str:
    """A path as the root sees it."""
    return f"/{path.relative_to(made.root.system)}"


def _followed(made: Layer, target: str) -> Path:
    """Where a path of the root leads, link by link, as it would in the root."""
    place = made.root.system
    rest = [part for part in target.split("/") if part]
    for _ in range(200):
        if not rest:
            return place
        place /= rest.pop(0)
        if place.is_symlink():
            link = str(place.readlink())
            rest = [part for part in link.split("/") if part] + rest
            place = made.root.system if link.startswith("/") else place.parent
    raise OSError(f"{target}: too many links")


def _store(made: Layer, paths: set[str]) -> Iterator[tuple[str, str]]:
    """Texts that only these machines have: single files, and folders of a few."""
    found: dict[str, list[str]] = {}
    for path in sorted(paths):
        place = made.path(path)
        name = PINNED.sub("", path)
        files = [place] if place.is_file() else [each for each in place.rglob("*") if each.is_file()]
        for each in files if len(files) <= 60 else []:
            inside = "" if each == place else f"/{each.relative_to(place)}"
            if not each.is_symlink() and (text := _text(each)):
                found.setdefault(f"store/{name}{inside}", []).append(text)
    for name, texts in sorted(found.items()):
        for number, text in enumerate(sorted(set(texts))):
            yield name + (f"~{number + 1}" if number else ""), text


def _text(path: Path) -> str:
    """A file's text without the hashes of store paths; nothing where it is none, or large."""
    if path.stat().st_size > LARGEST:
        return ""
    try:
        return _plain(path.read_text())
    except ValueError:
        return ""


def _plain(text: str) -> str:
    return PINNED.sub("/nix/store/", text)


def kept() -> dict[str, dict[str, str]]:
    """What is in the repository."""
    folders = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
    return {
        folder.name: {
            str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
        }
        for folder in folders
    }


def write(found: Mapping[str, Mapping[str, str]]) -> None:
    """Write all of it anew."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for name, texts in found.items():
        for path, text in texts.items():
            (GOLDEN / name / path).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / name / path).write_text(text)
    INPUTS.write_text(json.dumps(inputs(), indent=0) + "\n")


def main() -> int:
    """Build and write."""
    tree = os.environ.get("MAILNIX_NIXPKGS")
    if not tree:
        print("MAILNIX_NIXPKGS does not name a nixpkgs tree", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as work:
        write(built(layer(Path(tree), cache_dir(), progress=print), Path(work)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
