"""Units as systemd has them (systemctl(1), org.freedesktop.systemd1(5)): which run, and all that is set of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tests.parity.facts import Question, Values
from tests.parity.kinds.words import listed, told

_NAMES: Final = {
    "sshd.service": "ssh.service",
    "nftables.service": "mailnix-firewall.service",
    "qemu-guest-agent.service": "qemu-guest-agent.service",
}
"""NixOS's names of units that Debian calls otherwise."""

_TWICE: Final = ("haraka-certificate", ("haraka-in-tls", "haraka-out-tls"))
"""On Debian one unit copies the certificate for both instances, on NixOS each has its own."""

_KINDS: Final = ("service", "socket", "timer", "path")
_WATCHED: Final = (
    "haraka",
    "mailnix",
    "mailcow",
    "caddy",
    "unbound",
    "docker",
    "containerd",
    "ssh",
    "nftables",
    "systemd-networkd",
    "systemd-resolved",
    "systemd-timesyncd",
    "systemd-journald",
    "qemu-guest-agent",
)
"""How the names of units begin of which every property counts. Of others only whether they run, which systemd says at
once; for all properties of one it takes as long."""

_FLEETING: Final = re.compile(
    r"(user|user-runtime-dir|getty|serial-getty|systemd-fsck|modprobe|dev-.*|.*\.mount|run-.*|systemd-coredump|systemd-machine-id-commit|sshd@)@?.*\.(service|socket)"
)

_OF_THIS_BOOT: Final = re.compile(
    r".*(Timestamp|TimestampMonotonic|PID|PIDFD|Current|NSec|Bytes|Packets|Operations|Peak|Available|ID|ID64|ControlGroupId)"
    r"|NRestarts|NAccepted|NConnections|NRefused|NextElapse\w+|LastTrigger\w*|ExecMainCode|ExecMainStatus|TimersMonotonic"
    r"|ActiveState|SubState|Job|Result|StatusText|StatusErrno|FileDescriptorStoreCurrent|NFileDescriptorStore|Effective\w+"
    r"|Id|ControlGroup|UnitFilePreset|FragmentPath|SourcePath|DropInPaths|Names|Description|Documentation|NeedDaemonReload"
    r"|Can\w+|ConditionResult|AssertResult|Markers|InvocationID|OpenFile\w*Descriptor|StateChange\w+|Refs|Following|Perpetual"
    r"|Transient|UID|GID|TriggeredBy|RequiredBy|WantedBy|RequisiteOf|BoundBy|UpheldBy|ConflictedBy|Before|ReferencedBy|SliceOf"
    r"|.+Symlink|RestartUSecNext|(Requires|Wants)MountsFor|.+Ex|CleanResult|LiveMountResult|ReloadResult|Limit(SIGPENDING|NPROC)(Soft)?|TasksMax|UnitFileState|LoadError|LoadState|Credential.*Encrypted|ExitType|Comment|TimersCalendar|DebugInvocation|FreezerState"
)
"""What is counted, measured or follows from the size of memory, what says where a unit lies, and the other side of what
other units say."""

_SETS: Final = re.compile(
    r"After|Wants|Requires|BindsTo|PartOf|Conflicts|.*Path(s)?|SystemCallFilter|.*Directory|.*Address(Allow|Deny)|Environment"
    r"|RestrictAddressFamilies|CapabilityBoundingSet|AmbientCapabilities|SupplementaryGroups|LoadCredential|Triggers|RestrictNamespaces"
)
_COMMAND_WORDS: Final = re.compile(r"argv\[\]=(.*?) ; (?:flags=\S* ; )?(?:ignore_errors=(\w+))?")


def read(data: bytes) -> Values:
    """A line of `systemctl list-units` for each unit, then the block of `systemctl show` for each that is watched."""
    listed_units, *blocks = data.decode(errors="replace").split("\n\n")
    values = dict(_states(listed_units))
    for block in blocks:
        said = _properties(block)
        for name in _called(said.get("Id", "")):
            if name and said.get("LoadState") == "loaded" and not _FLEETING.fullmatch(name):
                values |= {f"{name} {key}": value for key, value in _kept(said)}
    return values


def _states(text: str) -> Iterator[tuple[str, str]]:
    """Of others, those that run or should have."""
    for name, loaded, active, *_ in (line.split() for line in text.splitlines()):
        of_others = loaded == "loaded" and not name.startswith(_WATCHED) and not _FLEETING.fullmatch(name)
        if of_others and active != "inactive":
            yield f"{name} state", active


def _properties(block: str) -> Mapping[str, str]:
    """A block of lines; a property that has several lines (each command) has all of them."""
    said: dict[str, str] = {}
    for line in block.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            said[key] = f"{said[key]}\n{value}" if key in said else value
    return said


def _called(name: str) -> Iterator[str]:
    """The names under which a unit is compared."""
    stem, _, kind = name.rpartition(".")
    one, both = _TWICE
    if stem == one:
        yield from (f"{each}.{kind}" for each in both)
    else:
        yield _NAMES.get(name, name)


def _kept(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    texts = ((key, _text(key, value)) for key, value in said.items() if not _OF_THIS_BOOT.fullmatch(key))
    yield from ((key, text) for key, text in texts if text not in _UNSET)
    yield "state", said["ActiveState"]


_UNSET: Final = ("", "~", "[not set]", "[unprintable]")
"""What systemctl says of a property that is not set, or that it has no words for."""


def _text(key: str, value: str) -> str:
    if key.startswith("Exec") and "argv[]=" in value:
        return "\n".join(told(words) for words, _ in _COMMAND_WORDS.findall(value))
    if key == "Environment":
        value = " ".join(word for word in value.split() if not word.startswith(_OF_NIXOS))
    if key in ("After", "Requires", "Wants"):
        value = " ".join(word for word in value.split() if word not in _IMPLIED)
    return listed(told(value)) if _SETS.fullmatch(key) else told(value)


_IMPLIED: Final = ("-.mount", "tmp.mount", "systemd-tmpfiles-setup.service", "systemd-remount-fs.service")
"""What systemd adds by itself to units with folders, where a system has it."""


_OF_NIXOS: Final = ("PATH=", "LOCALE_ARCHIVE=", "TZDIR=", "LD_LIBRARY_PATH=")
"""What NixOS tells each unit: where a program finds others and its data."""


_PATTERNS: Final = " ".join(f"'{start}*.{kind}'" for start in _WATCHED for kind in _KINDS)
_COMMAND: Final = f"""
systemctl list-units --all --plain --no-legend --full --no-pager --type={",".join(_KINDS)}
echo
systemctl show --all --no-pager {_PATTERNS}
"""
QUESTION: Final = Question("unit", _COMMAND, read)
