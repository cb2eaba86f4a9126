"""What programs have been told in effect, asked of themselves: sshd, Caddy, unbound, Docker, systemd's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from mailnix.services.caddy.debian import CONFIG
from tests.parity.facts import Question, Values
from tests.parity.kinds.words import lines, said, told


def sshd(data: bytes) -> Values:
    """`sshd -T`; lists of algorithms and of what else may be said twice as one text."""
    values: dict[str, str] = {}
    for line in lines(data):
        key, _, value = line.partition(" ")
        values[key] = f"{values[key]} {value}" if key in values else told(value)
    for key in _CHOICES & values.keys():
        values[key] = " ".join(sorted(values[key].split(",")))
    return values


_CHOICES: Final = {"ciphers", "kexalgorithms", "macs"}
"""Which of them is tried first says nothing of what is allowed."""


def caddy(data: bytes) -> Values:
    """`caddy adapt`, which reads the file as Caddy does: each leaf by its path."""
    return dict(_leaves("", json.loads(data)))


def _leaves(path: str, part: Any) -> Iterator[tuple[str, str]]:
    match part:
        case dict() if part:
            for key, value in part.items():
                yield from _leaves(f"{path}/{key}", value)
        case list() if part:
            for index, value in enumerate(part):
                yield from _leaves(f"{path}/{index}", value)
        case _:
            yield path, said(part)


def unbound(data: bytes) -> Values:
    """unbound.conf with what it includes: each key of its server section, repeated ones together."""
    values: dict[str, list[str]] = {}
    section = ""
    for line in lines(data):
        key, colon, value = line.partition("#")[0].strip().partition(":")
        if not colon:
            continue
        if not value.strip():
            section = key
        elif key != "include" and key != "include-toplevel":
            values.setdefault(f"{section} {key}", []).append(_ANCHOR.sub("a key", value.strip().strip('"')))
    return {key: " ".join(sorted(set(words))) for key, words in values.items()}


_ANCHOR: Final = re.compile(r"(?<=DNSKEY ).*")
"""Of the lab's root, which is another's in each lab."""


def managers(data: bytes) -> Values:
    """`systemd-analyze cat-config` of systemd's programs: the last word on each key, and before it whose file it is."""
    values: dict[str, str] = {}
    of = ""
    for line in lines(data):
        if found := _FILE.fullmatch(line):
            of = found[1]
        elif "=" in line:
            key, _, value = line.partition("=")
            values[f"{of} {key.strip()}"] = _WORDS.get(value.strip(), told(value.strip()))
    return values


_FILE: Final = re.compile(r"# /\S+/systemd/(\w+)\.conf(?:\.d/.*)?")
_WORDS: Final = {"false": "no", "true": "yes"}
_MANAGERS: Final = ("resolved", "journald", "system", "timesyncd", "networkd", "logind")


def docker(data: bytes) -> Values:
    """`docker info`, all containers, all networks: the daemon's settings, and what the outside sees of each."""
    daemon, containers, networks = json.loads(data)
    values = {f"daemon {key}": said(daemon.get(_INFO[key])) for key in _INFO}
    for each in containers:
        host = each["HostConfig"]
        name = each["Name"].lstrip("/")
        values |= {
            f"{name} ports": said(host["PortBindings"] or {}),
            f"{name} restart": host["RestartPolicy"]["Name"],
            f"{name} privileged": said([host["Privileged"], host["CapAdd"], host["SecurityOpt"]]),
            f"{name} log": host["LogConfig"]["Type"],
            f"{name} state": each["State"]["Status"],
        }
    for each in networks:
        values[f"network {each['Name']}"] = said([each["IPAM"]["Config"], each["Options"], each["EnableIPv6"]])
    return values


_CADDYFILES: Final = (CONFIG, "/etc/caddy/caddy_config")  # Debian's and NixOS's

_INFO: Final = {
    "log driver": "LoggingDriver",
    "storage": "Driver",
    "live restore": "LiveRestoreEnabled",
    "cgroups": "CgroupVersion",
    "security": "SecurityOptions",
    "experimental": "ExperimentalBuild",
    "address pools": "DefaultAddressPools",
}

_DOCKER: Final = """
containers=$(docker ps -aq)
printf '['; docker info -f '{{json .}}'
printf ','; if [ -n "$containers" ]; then docker inspect $containers; else echo '[]'; fi
printf ','; docker network inspect $(docker network ls -q); printf ']'
"""

QUESTIONS: Final = (
    Question("sshd", "sshd -T -C user=root,host=x,addr=192.0.2.1", sshd),
    Question(
        "systemd",
        f"systemd-analyze cat-config {' '.join(f'systemd/{name}.conf' for name in _MANAGERS)} "
        "| grep -E '^# /|^[^#;[:space:]]'",
        managers,
    ),
)
DOCKER: Final = Question("docker", _DOCKER, docker)
OF_A_PROXY: Final = (
    Question("caddy", f"caddy adapt --adapter caddyfile --config $(ls -d {' '.join(_CADDYFILES)} 2>/dev/null)", caddy),
    Question("unbound", "cat /etc/unbound/unbound.conf /etc/unbound/unbound.conf.d/*.conf 2>/dev/null", unbound),
)
