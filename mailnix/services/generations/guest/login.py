"""Whether sshd would let in whom the description lets in, with a generation's files beside the machine's own.

An owner's drop-in counts before ours where its name does (sshd_config(5): the first value is used), and lists of who
may log in are added up. So sshd is asked what it would do (sshd(8), -T) before anything is changed.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from . import listening, state
from .listening import SOMEWHERE
from .world import Refused, World

FOLDER = "/etc/ssh"
SSHD = "/usr/sbin/sshd"
INCLUDES = re.compile(r"(?im)^(\s*include\s+)(.*)$")
OF_WORDS = re.compile(r"(?:line \d+: |: terminating, |cannot be satisfied).*\s*\Z")
"""What sshd says last of a configuration that it does not take; else it failed for what is around it."""

CONNECTION = "SSH_CONNECTION"
CUTS_OFF = ("internal-sftp", "/bin/false", "/usr/sbin/nologin")
"""What runs in the place of every command (ForceCommand), and is no shell."""

OF_KEYS = {"ssh-rsa": ("rsa-sha2-256", "rsa-sha2-512")}
"""Algorithms by which a key signs, where they are not called as it is."""

Effective = Mapping[str, Sequence[str]]


def refuse(world: World, generation: state.Generation, connection: str | None = None) -> None:
    """Raise Refused where it would not; what cannot be judged passes, for the confirmation has the last word.

    `connection` is how whoever asks is connected: SSH_CONNECTION, ssh(1).
    """
    with suppress(OSError):  # no room, a program that is not there: neither locks anybody out
        said = _connection(world) if connection is None else connection
        ends = [each.partition("%")[0] for each in said.split()[::2]]
        _judge(world, generation, *(ends if len(ends) == 2 else (SOMEWHERE, SOMEWHERE)))


def _connection(world: World) -> str:
    """How whoever runs this is connected; sudo, which tells nobody (sudoers(5), env_reset), is below who knows."""
    said, process = os.environ.get(CONNECTION, ""), os.getppid()
    while not said and (status := world.root / f"proc/{process}/status").exists():
        environment = _read(status.with_name("environ")).split("\0")
        said = next((each.partition("=")[2] for each in environment if each.startswith(f"{CONNECTION}=")), "")
        process = int(_read(status).partition("PPid:")[2].split()[0])
    return said


def _judge(world: World, generation: state.Generation, address: str, here: str) -> None:
    if not (world.root / SSHD[1:]).exists():
        return
    with tempfile.TemporaryDirectory() as scratch:
        tree, folder = Path(scratch, "tree"), Path(scratch, "ssh")
        extracted = world.run(["dpkg-deb", "--extract", str(generation.own), str(tree)])
        if extracted.status != 0 or not (tree / world.names.sshd[1:]).exists():  # a sealed machine has none
            return
        _lay(world, generation, tree, folder)
        found = _asked(world, generation, folder, address, here)
        described = tree / world.names.keys[1:]
        keys = _keys(_read(described)) if described.exists() else {}
        for keywords in _against(world, found, address, here, keys) if found else ():
            raise Refused(
                f"generation {generation.made['generation']} would lock you out: sshd would not let in"
                f" {world.names.user} on port {world.names.ssh_port}, for {_where(folder, keywords, world)}."
                " Nothing was changed; change that first"
            )


def _lay(world: World, generation: state.Generation, tree: Path, folder: Path) -> None:
    """What sshd would read: the machine's own files, but for what goes, with those of the generation."""
    there = world.root / FOLDER[1:]
    if there.is_dir():
        shutil.copytree(there, folder, ignore=_unread)
    for line in world.run(["dpkg", "--listfiles", generation.package]).output.splitlines():
        if line.startswith(f"{FOLDER}/") and not (world.root / line[1:]).is_dir():
            (folder / line.removeprefix(f"{FOLDER}/")).unlink(missing_ok=True)
    shutil.copytree(tree / FOLDER[1:], folder, dirs_exist_ok=True)
    for path in _files(folder):
        moved = INCLUDES.sub(lambda line: line[1] + _moved(line[2], folder), _read(path))
        path.write_text(moved, "utf-8", "surrogateescape")


def _unread(folder: str, names: Sequence[str]) -> list[str]:
    """What is no configuration: the machine's own keys, links that lead nowhere or up again, pipes and the like."""
    return [name for name in names if name.startswith("ssh_host_") or not _is_read(Path(folder, name))]


def _is_read(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and not _leads_up(path))


def _leads_up(path: Path) -> bool:
    above, to = path.parent.resolve(), path.resolve()
    return to in (above, *above.parents)


def _read(path: Path) -> str:
    """A file's text, whatever it is encoded in."""
    return path.read_text("utf-8", "surrogateescape")


def _moved(patterns: str, folder: Path) -> str:
    """The same files, where they are laid; others stay what they are. Relative ones are in sshd's own folder."""
    words = (word if word.startswith("/") else f"{FOLDER}/{word}" for word in patterns.replace('"', "").split())
    return " ".join(
        f"{folder}/{word.removeprefix(f'{FOLDER}/')}" if word.startswith(f"{FOLDER}/") else word for word in words
    )


def _files(folder: Path) -> list[Path]:
    """In the order that Debian's sshd_config reads them in."""
    return [*sorted(folder.glob("sshd_config.d/*.conf")), *folder.glob("sshd_config")]


def _asked(world: World, generation: state.Generation, folder: Path, address: str, here: str) -> Effective:
    """What sshd says that it would do with root from one address to another; empty where it cannot be asked."""
    key = folder / "key"  # for it wants one; the machine's own are none of this program's
    world.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)])
    who = f"user={world.names.user},host={address},addr={address},laddr={here},lport={world.names.ssh_port}"
    if (given := listening.options(world)) is None:
        return {}
    words = [word for each in given for word in each if word]
    done = world.run([SSHD, "-T", "-f", str(folder / "sshd_config"), "-h", str(key), *words, "-C", who])
    if done.status != 0:
        if OF_WORDS.search(done.output):
            raise Refused(
                f"sshd would not start with generation {generation.made['generation']}:"
                f" {done.last.replace(str(folder), FOLDER)}; nothing was changed"
            )
        return {}
    found: dict[str, list[str]] = {}
    for keyword, _, value in (line.partition(" ") for line in done.output.splitlines()):
        found.setdefault(keyword.lower(), []).append(value.strip())
    return found


def _keys(text: str) -> Mapping[str, str]:
    """Public keys, a line each, which options may come before (sshd(8)), and what kind each is of."""
    key = re.compile(r"^(?!\s*#)(?:.*\s)?((?:sk-)?(?:ssh|ecdsa)-[\w@.-]+)\s+(AAAA[\w+/]+)", re.M)
    return {body: kind for kind, body in key.findall(text)}


def _against(
    world: World, found: Effective, address: str, here: str, keys: Mapping[str, str]
) -> Iterator[tuple[str, ...]]:
    """Keywords of sshd_config(5) by which nobody gets in as described."""
    user, port = world.names.user, world.names.ssh_port
    systemds = listening.by_systemd(world)
    listens = found.get("listenaddress", ()) if systemds is None else systemds
    if listens and not listening.is_heard(listens, port, here, both=systemds is not None):
        yield (listening.SOCKET,) if systemds else ("port", "listenaddress", "addressfamily")
    if found.get("permitrootlogin", ["yes"])[0] in ("no", "forced-commands-only"):
        yield ("permitrootlogin",)
    if found.get("pubkeyauthentication", ["yes"])[0] == "no":
        yield ("pubkeyauthentication",)
    if found.get("forcecommand", ["none"])[0].split()[0] in CUTS_OFF:
        yield ("forcecommand",)
    if not {"any", "publickey"} & {*" ".join(found.get("authenticationmethods", ["any"])).split()}:
        yield ("authenticationmethods",)
    by_program = found.get("authorizedkeyscommand", ["none"]) != ["none"]
    files = {_of(user, each) for each in " ".join(found.get("authorizedkeysfile", [world.names.keys])).split()}
    if keys and not (by_program or world.names.keys in files or any(_has(world, each, keys) for each in files)):
        yield ("authorizedkeysfile",)
    accepted = {*",".join(found.get("pubkeyacceptedalgorithms", ())).split(",")} - {""}
    if keys and accepted and not any(accepted & {*OF_KEYS.get(kind, (kind,))} for kind in keys.values()):
        yield ("pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes")
    groups = world.run(["id", "-nG", user]).output.split() or [user]
    for what, names in (("users", [user]), ("groups", groups)):
        denied, allowed = (" ".join(found.get(f"{verb}{what}", ())).split() for verb in ("deny", "allow"))
        if any(_listed(denied, name, address, doubt=False) for name in names):
            yield (f"deny{what}",)
        if allowed and not any(_listed(allowed, name, address, doubt=True) for name in names):
            yield (f"allow{what}",)


def _of(user: str, path: str) -> str:
    """A file of keys, with its tokens replaced; relative ones are in root's home."""
    home = f"/{user}"
    path = path.replace("%h", home).replace("%u", user)
    return path if path.startswith("/") else f"{home}/{path}"


def _has(world: World, path: str, keys: Mapping[str, str]) -> bool:
    """Whether a file that its owner keeps has one of them."""
    place = world.root / path[1:]
    return place.is_file() and not {*keys}.isdisjoint(_keys(_read(place)))


def _listed(patterns: Sequence[str], name: str, address: str, *, doubt: bool) -> bool:
    """Whether a list has somebody: PATTERNS of ssh_config(5), with @HOST; `doubt` is what a host's name counts as."""
    hits = [(each.startswith("!"), _fits(each.removeprefix("!"), name, address, doubt)) for each in patterns]
    return any(hit for negated, hit in hits if not negated) and not any(hit for negated, hit in hits if negated)


def _fits(pattern: str, name: str, address: str, doubt: bool) -> bool:
    who, _, where = pattern.partition("@")
    if not fnmatch.fnmatchcase(name, who):
        return False
    if not where or fnmatch.fnmatchcase(address, where):
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(address) in ipaddress.ip_network(where, strict=False)
    return doubt and re.search("[g-z]", where, re.I) is not None


def _where(folder: Path, keywords: Sequence[str], world: World) -> str:
    """The first line that says it and is not ours, as people find it."""
    if keywords == (listening.SOCKET,):
        return f"{listening.SOCKET} listens on {' and '.join(listening.by_systemd(world) or ())} alone"
    if given := listening.options_say(world, keywords):
        return given
    said = re.compile(rf"\s*({'|'.join(keywords)})\b", re.I)
    for path in _files(folder):
        place = f"{FOLDER}/{path.relative_to(folder)}"
        for number, line in enumerate(_read(path).splitlines(), 1):
            if said.match(line) and place != world.names.sshd:
                return f"{place}, line {number}, says: {line.strip()}"
    return f"of {' or '.join(keywords)} (sshd -T)"
