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
    r"|Transient|UID|GID|TriggeredBy|RequiredBy|WantedBy|RequisiteOf|BoundBy|UpheldBy|ConflictedBy|ReferencedBy|SliceOf"
    r"|.+Symlink|RestartUSecNext|(Requires|Wants)MountsFor|.+Ex|CleanResult|LiveMountResult|ReloadResult|Limit(SIGPENDING|NPROC)(Soft)?|TasksMax|UnitFileState|LoadError|LoadState|Credential.*Encrypted|ExitType|Comment|TimersCalendar|DebugInvocation|FreezerState"
)
"""What is counted, measured or follows from the size of memory, what says where a unit lies, and the other side of what
other units say."""

_SETS: Final = re.compile(
    r"After|Before|Wants|Requires|BindsTo|PartOf|ConsistsOf|Conflicts|.*Path(s)?|SystemCallFilter|.*Directory|.*Address(Allow|Deny)|Environment"
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
                values |= {f"{name} {key}": value for key, value in _kept(name, said)}
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


def _called(name: str, by: str = "") -> Iterator[str]:
    """The names under which a unit is compared; by an instance's unit its own certificate's is meant."""
    stem, _, kind = name.rpartition(".")
    one, both = _TWICE
    if stem == one:
        own = tuple(each for each in both if by.startswith(each.removesuffix("-tls")))
        yield from (f"{each}.{kind}" for each in own or both)
    else:
        yield _NAMES.get(name, name)


def _kept(name: str, said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    texts = ((key, _text(name, key, value)) for key, value in said.items() if not _OF_THIS_BOOT.fullmatch(key))
    yield from ((key, text) for key, text in texts if text not in _UNSET)
    yield "state", _state(said)


def _state(said: Mapping[str, str]) -> str:
    """What a timer starts is caught at its work, or not."""
    again = said.get("Type") == "oneshot" and said.get("TriggeredBy") and said.get("RemainAfterExit") == "no"
    return "inactive" if again and said["ActiveState"] == "activating" else said["ActiveState"]


_UNSET: Final = ("", "~", "[not set]", "[unprintable]")
"""What systemctl says of a property that is not set, or that it has no words for."""


def _text(unit: str, key: str, value: str) -> str:
    if key.startswith("Exec") and "argv[]=" in value:
        return "\n".join(told(words) for words, _ in _COMMAND_WORDS.findall(value))
    if key == "WatchdogUSec" and value == "infinity":
        return "0"  # it is none, of a unit that does not run
    if key == "Environment":
        value = " ".join(word for word in value.split() if not word.startswith(_OF_NIXOS))
    if key in _NAMING:
        words = (word for word in value.split() if word not in _IMPLIED and (key != "Before" or _counts(unit, word)))
        value = " ".join(other for word in words for other in _called(word, unit))
    return listed(told(value)) if _SETS.fullmatch(key) else told(value)


def _counts(unit: str, later: str) -> bool:
    """Whether it says something that another unit comes later: of others' units, which each system has of its own, it
    does not, nor of what every unit comes after.
    """
    return not unit.startswith("systemd-journald") and later.startswith((*_WATCHED, *_MILESTONES))


_MILESTONES: Final = (
    "basic.target",
    "multi-user.target",
    "network",
    "shutdown.target",
    "sockets.target",
    "sysinit.target",
)
_NAMING: Final = ("After", "Before", "PartOf", "Requires", "Triggers", "Unit", "Wants")
_IMPLIED: Final = (
    *("-.mount", "tmp.mount", "systemd-tmpfiles-setup.service", "systemd-remount-fs.service"),
    *("agenix-install-secrets.service", "sops-install-secrets.service", "nss-lookup.target"),
)
"""What systemd adds by itself to units with folders, where a system has it; and what NixOS's units come after that may
be there or not, so that it says nothing.
"""


_OF_NIXOS: Final = ("PATH=", "LOCALE_ARCHIVE=", "TZDIR=", "LD_LIBRARY_PATH=")
"""What NixOS tells each unit: where a program finds others and its data."""


_PATTERNS: Final = " ".join(f"'{start}*.{kind}'" for start in _WATCHED for kind in _KINDS)
_COMMAND: Final = f"""
systemctl list-units --all --plain --no-legend --full --no-pager --type={",".join(_KINDS)}
echo
systemctl show --all --no-pager {_PATTERNS}
"""
QUESTION: Final = Question("unit", _COMMAND, read)
