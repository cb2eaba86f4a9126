"""What a built NixOS machine's files say of it before it boots: modes and owners, units and folders that ours need.

Files are texts by their path, as `tests.nixos.golden` gives them: `etc/…`, and `store/…` for what units name.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Final, TypeAlias

from mailnix.nixos.carried import copied

Texts: TypeAlias = Mapping[str, str]
Settings: TypeAlias = Mapping[str, list[str]]

UNITS: Final = "etc/systemd/system/"
_TMPFILES: Final = "etc/tmpfiles.d/"
_STORE: Final = "store/"

MADE_BY_US: Final = re.compile(r"(haraka|mailnix|mailcow)[^/]*\.(service|path|timer|socket)")
"""Units that are ours."""
_OURS: Final = re.compile(rf"{MADE_BY_US.pattern}|(caddy|unbound)\.service")
"""Those, and units that keep credentials or state of ours."""
OF_SYSTEMD: Final = frozenset(
    {
        *("local-fs.target", "multi-user.target", "network-online.target", "network-pre.target", "network.target"),
        *("nss-lookup.target", "nss-user-lookup.target", "shutdown.target", "sysinit.target", "timers.target"),
        *("systemd-networkd.service", "systemd-sysctl.service"),
        *("systemd-udev-trigger.service", "systemd-udevd.service"),
    }
)
"""Units that every machine has; they are in no file of ours."""
_SCRIPTS: Final = re.compile(r"(haraka|mailnix|mailcow)[^/]*|seed|receive-credentials")
"""Scripts of ours, by the names that they have in the store."""
_PLACES: Final = (
    *("/etc/credstore", "/root", "/usr/lib/mailnix"),
    *(f"/run/{name}" for name in ("haraka", "mailnix", "mailcow", "unbound")),
    *(f"/var/lib/{name}" for name in ("haraka", "mailnix", "mailcow", "caddy", "unbound")),
)
"""How paths begin at which there are credentials, state, or programs that root runs."""
_MAY_BE_ABSENT: Final = frozenset(
    {
        *("agenix-install-secrets.service", "sops-install-secrets.service"),  # they come with others' modules
        "ssh.service",  # Debian's name
    }
)

_FOLDERS: Final = {
    "RuntimeDirectory": "/run",
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
    "ConfigurationDirectory": "/etc",
}
_DEPENDENCIES: Final = (
    *("After", "Before", "BindsTo", "Conflicts", "OnFailure", "OnSuccess", "PartOf", "PropagatesStopTo"),
    *("Requires", "Requisite", "Unit", "Upholds", "Wants"),
)
_INSTANCE: Final = re.compile(r"@[^.]+\.")
_PATHS: Final = ("BindPaths", "BindReadOnlyPaths", "EnvironmentFile", "ReadOnlyPaths", "ReadWritePaths")
_SETS_MODES: Final = re.compile(r"(?:\S*/)?(install|chmod|mkdir|umask) (.*)")
_MODE: Final = re.compile(r"(?:-m|--mode)[= ]?([0-7]+) ?|^([0-7]{3,4})\b ?")


def expected() -> dict[str, dict[str, str]]:
    """What `modes` shall say of the example's machines, by name."""
    return tomllib.loads(Path(__file__).with_name("modes.toml").read_text())


def with_carried(texts: Texts) -> dict[str, str]:
    """A machine's files together with those scripts that its units run as they are in this tree."""
    named = "\n".join(text for path, text in texts.items() if path.startswith(UNITS))
    scripts = {f"{_STORE}{Path(file.path).name}": file for file in copied().files if file.path.endswith(".sh")}
    return {
        **texts,
        **{path: file.data.decode() for path, file in scripts.items() if f"/nix/{path}" in named},
    }


def modes(texts: Texts) -> dict[str, str]:
    """`MODE OWNER:GROUP` by path, `umask MODE` by service, and the mode by `SCRIPT: what a command sets it on`."""
    found: dict[str, list[str]] = {}
    for place, mode in (*_by_tmpfiles(texts), *_by_services(texts), *_by_scripts(texts)):
        found.setdefault(place, []).append(mode)
    return {place: ", then ".join(dict.fromkeys(said)) for place, said in found.items()}


def _by_tmpfiles(texts: Texts) -> Iterator[tuple[str, str]]:
    """A colon before a mode or an owner (tmpfiles.d(5)) means that what is there already keeps its own."""
    for path in sorted(path for path in texts if path.startswith(_TMPFILES)):
        for line in texts[path].splitlines():
            kind, place, *fields = (*shlex.split(line, comments=True), "", "")
            if place.startswith(_PLACES) and kind[0] not in "xXrRL":
                mode, owner, group = (field.lstrip(":") for field in (*fields, "", "")[:3])
                yield place, f"{mode} {owner}:{group}"


def _by_services(texts: Texts) -> Iterator[tuple[str, str]]:
    for unit, settings in units(texts).items():
        if unit.endswith(".service"):
            last = {key: values[-1] for key, values in settings.items()}
            user = "(dynamic)" if last.get("DynamicUser") == "true" else last.get("User", "root")
            owner = f"{user}:{last.get('Group', user)}"
            yield unit, f"umask {last.get('UMask', '0022')}"
            for kind, base in _FOLDERS.items():
                for name in " ".join(settings.get(kind, ())).split():
                    yield f"{base}/{name}", f"{last.get(f'{kind}Mode', '0755')} {owner}"


def _by_scripts(texts: Texts) -> Iterator[tuple[str, str]]:
    for path, text in sorted(texts.items()):
        script = path.removeprefix(_STORE)
        if path.startswith(_STORE) and _SCRIPTS.fullmatch(script):
            for line in text.splitlines():
                command = _SETS_MODES.match(line.strip())
                mode = _MODE.search(command[2]) if command else None
                if command and mode:
                    yield f"{script}: {_MODE.sub('', command[2], 1) or command[1]}", mode[1] or mode[2]


def units(texts: Texts, which: re.Pattern[str] = _OURS) -> dict[str, Settings]:
    """Ours, or others, by name, with what file and drop-ins say; an empty value takes back what was said before."""
    found: dict[str, dict[str, list[str]]] = {}
    for path in sorted(texts, key=lambda path: (path.endswith(".conf"), path)):
        name, _, _ = path.removeprefix(UNITS).partition(".d/")
        if path.startswith(UNITS) and which.fullmatch(name):
            settings = found.setdefault(name, {})
            for key, value in re.findall(r"^(\w+)=(.*)$", texts[path], flags=re.M):
                settings[key] = [*settings.get(key, ()), value] if value else []
    return {name: {key: said for key, said in settings.items() if said} for name, settings in found.items()}


def units_nowhere(texts: Texts, of_others: Set[str] = frozenset()) -> list[str]:
    """`UNIT: KEY=OTHER` where ours name another that the machine has not: systemd comes after nothing in silence.

    `of_others` are units that it has beside those whose files are given.
    """
    there = {path.removeprefix(UNITS) for path in texts if path.startswith(UNITS)} | _MAY_BE_ABSENT | of_others
    return [
        f"{unit}: {key}={other}"
        for unit, settings in units(texts).items()
        for key in _DEPENDENCIES
        for other in " ".join(settings.get(key, ())).split()
        if _INSTANCE.sub("@.", other) not in there
    ]


def paths_nowhere(texts: Texts) -> list[str]:
    """`UNIT: KEY=PATH` where a service of ours needs a path that no unit and no rule of the machine makes."""
    made = tuple(f"{place}/" for place in modes(texts) if place.startswith("/"))
    return [
        f"{unit}: {key}={path}"
        for unit, settings in units(texts).items()
        for key in _PATHS
        for path in (word.partition(":")[0] for word in " ".join(settings.get(key, ())).split())
        if not path.startswith(("-", "/nix/store/")) and not f"{path}/".startswith(made)
    ]
