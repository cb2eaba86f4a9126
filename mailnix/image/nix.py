"""Disk images by Nix: the emitted flake, built where a nix with flakes works.

Commands are made by pure functions; what nix says when it fails is turned into one sentence and the next step, with
nix's own message under it.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mailnix.errors import BuildError, CommandFailed, ToolMissing
from mailnix.image.formats import convert
from mailnix.image.manifest import Manifest, ManifestEntry, read_manifest, with_entries, write_manifest
from mailnix.image.values import Format, Progress
from mailnix.run import Runner, run
from mailnix.tree import Tree
from mailnix.write import write_tree

OLDEST: Final = (2, 18)  # what the current release of nixpkgs asks for
SYSTEM: Final = "x86_64-linux"
FEATURES: Final = ("--extra-experimental-features", "nix-command flakes")
PROBE_SECONDS: Final = 30.0
KEPT: Final = 12  # lines of nix's own message that an error shows

# What nix says → what it means, and what to do.
_MEANINGS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        r"experimental (Nix )?feature '(flakes|nix-command)' is disabled",
        "this nix has flakes switched off",
        "add `experimental-features = nix-command flakes` to /etc/nix/nix.conf",
    ),
    (
        r"unable to download|Couldn't resolve host|Could not resolve|Connection (refused|timed out)|HTTP error 5\d\d",
        "nix could not download something",
        "look at this machine's network and try again; what was downloaded is kept",
    ),
    (
        r"No space left on device",
        "there is no space left for nix",
        "make room in /nix and in the folder for temporary files: nix-collect-garbage helps",
    ),
    (
        r"cannot connect to (socket|daemon)|Permission denied|readonly database",
        "nix cannot use its store",
        "start the nix daemon (systemctl start nix-daemon), or add yourself to its users",
    ),
    (
        r"required system or feature not available|a '[^']+' with features .* is required",
        "this machine may not build disk images with nix",
        "add `system-features = kvm nixos-test` to /etc/nix/nix.conf where /dev/kvm exists, or use --backend debian",
    ),
    (
        r"[Ff]ailed assertions:|The option `[^']+'|is not of type|(undefined variable|infinite recursion)",
        "the machine's NixOS configuration does not evaluate",
        "the message below names the option, and the file that sets it: mailnix's, or yours in local/",
    ),
)


def version_of(text: str) -> tuple[int, int] | None:
    """Nix's version from `nix --version` ("nix (Nix) 2.26.3"); None where there is none in it."""
    found = re.findall(r"(\d+)\.(\d+)", text)  # the last: vendors put a version of their own before it
    return (int(found[-1][0]), int(found[-1][1])) if found else None


def build_argv(flake: Path, name: str, link: Path) -> list[str]:
    """Build one machine's image; its build logs come on stderr, line by line."""
    return [
        "nix", "build", f"path:{flake}#packages.{SYSTEM}.{name}",
        *FEATURES,
        "--out-link", str(link),
        "--print-build-logs",
    ]  # fmt: skip


def derivation_argv(flake: Path, name: str) -> list[str]:
    """Ask which derivation a machine's image is."""
    return ["nix", "eval", "--raw", f"path:{flake}#packages.{SYSTEM}.{name}.drvPath", *FEATURES]


def check(runner: Runner = run) -> None:
    """Raise ToolMissing or BuildError, with what to do, where nix is absent, too old or does not work."""
    try:
        text = runner(["nix", "--version"], timeout=PROBE_SECONDS).stdout
    except ToolMissing:
        hint = "install it from nixos.org or with apt-get install nix-bin, or build with --backend debian"
        raise BuildError("nix is not installed", hint) from None
    version = version_of(text)
    if version is None or version < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise BuildError(
            f"{text.strip() or 'this nix'} is too old", f"install nix {wanted} or newer, or use --backend debian"
        )
    try:
        runner(["nix", "eval", "--expr", "1", *FEATURES], timeout=PROBE_SECONDS)
    except CommandFailed as error:
        raise explained(error) from None


def explained(failed: CommandFailed, what: str = "nix") -> BuildError:
    """What a failed nix command means, in one sentence, with nix's own words under it."""
    own = failed.last_lines.strip()
    shown = "\n".join(own.splitlines()[-KEPT:])
    for pattern, meaning, hint in _MEANINGS:
        if re.search(pattern, own):
            return BuildError(f"{what}: {meaning}\n{shown}", hint)
    if failed.status is None:
        return BuildError(f"{what}: nix did not end in time\n{shown}", "run the command again; what was built is kept")
    return BuildError(f"{what}: nix failed\n{shown}", "the lines above are nix's own; --backend debian needs no nix")


def build(
    tree: Tree, names: Sequence[str], form: Format, out: Path, progress: Progress, runner: Runner = run
) -> Manifest:
    """Build the machines of an emitted flake; images and manifest.json come to `out`, each whole or not at all."""
    with tempfile.TemporaryDirectory(prefix="mailnix-nix-") as work:
        flake = Path(work) / "flake"
        write_tree(tree, flake)
        return build_flake(flake, names, form, out, progress, runner)


def build_flake(
    flake: Path, names: Sequence[str], form: Format, out: Path, progress: Progress, runner: Runner = run
) -> Manifest:
    """Build machines of a flake's folder, as an emitted one has them."""
    check(runner)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mailnix-nix-") as links:
        entries = [_image(flake, name, Path(links), form, out, progress, runner) for name in names]
    manifest = with_entries(read_manifest(out), entries)
    write_manifest(out, manifest)
    return manifest


def _image(
    flake: Path, name: str, links: Path, form: Format, out: Path, progress: Progress, runner: Runner
) -> ManifestEntry:
    progress(f"{name}: evaluating")
    link = links / f"result-{name}"
    try:
        derivation = runner(derivation_argv(flake, name)).stdout.strip()
        progress(f"{name}: building {derivation}")
        runner(build_argv(flake, name, link), on_line=lambda line: progress(f"{name}: {line}"))
    except CommandFailed as error:
        raise explained(error, name) from None
    raw = raw_image(link)
    target = out / f"{name}.{form}"
    partial = target.with_name(f".{target.name}.new")
    progress(f"{name}: writing {target.name}")
    try:
        convert(raw, partial, form, runner)
        entry = ManifestEntry(
            host=name,
            file=target.name,
            format=form,
            size=partial.stat().st_size,
            virtual_size=raw.stat().st_size,
            sha256=sha256(partial),
            base=str(raw.parent),
            inputs=derivation,
            packages={},
        )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return entry


def raw_image(link: Path) -> Path:
    """The raw disk image in a build's result; raises BuildError where there is not exactly one."""
    found = sorted(path for ending in ("*.raw", "*.img") for path in link.resolve().glob(ending))
    if len(found) != 1:
        raise BuildError(
            f"{link.resolve()} has {len(found)} disk images, not one", "is this mailnix's own image module?"
        )
    return found[0]


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
