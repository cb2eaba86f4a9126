"""Haraka on Debian: configuration folders, units, users, and the certificate that Caddy fetches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Wanted
from mailnix.formats.text import Section, ini, template
from mailnix.model.architecture import Architecture
from mailnix.plan import HostPlan, Plan, ProxyPlan
from mailnix.services.haraka import npm_tree, units
from mailnix.services.haraka.render import SERVICE, files_in, files_out, incoming, outgoing, smarthosts
from mailnix.services.haraka.values import IN, OUT
from mailnix.tree import File

NPM_TREE: Final = f"{npm_tree.FOLDER}/node_modules"
CERTIFICATE: Final = "/usr/lib/mailnix/haraka-certificate"
USERS: Final = "/usr/lib/sysusers.d/haraka.conf"
_TIMERS: Final = "timers.target"


def debian(plan: Plan, host: HostPlan) -> DebianPart:
    """Both instances of a proxy; nothing on other machines."""
    if not isinstance(host, ProxyPlan):
        return DebianPart()
    return DebianPart(
        packages=("openssl",),
        entries=(
            *_folder(IN, files_in(incoming(plan, host))),
            *_folder(OUT, files_out(outgoing(plan, host))),
            *_units(plan, host),
            File(USERS, _users()),
            File(CERTIFICATE, template(SERVICE, "haraka-certificate.sh"), mode=0o755),
        ),
        wanted=(
            Wanted(f"{IN}.service"),
            Wanted(f"{OUT}.service"),
            Wanted(f"{units.CERTIFICATE}.path"),
            Wanted(f"{units.CERTIFICATE}.timer", _TIMERS),
        ),
        follows=(
            *(Follows(f"{name}.service", path) for name in (IN, OUT) for path in (f"/etc/{name}/", npm_tree.LOCK)),
            Follows("systemd-sysusers.service", USERS),
        ),
        npm_tree=True,
    )


def programs(architecture: Architecture) -> units.Programs:
    """What the units call on a machine with such a processor."""
    node = f"{NPM_TREE}/{npm_tree.NODES[architecture]}/bin/node"
    return units.Programs(f"{node} {NPM_TREE}/Haraka/bin/haraka", copy="/usr/bin/cp", certificate=CERTIFICATE)


def _folder(name: str, files: Mapping[str, str]) -> Iterator[File]:
    for path, text in files.items():
        yield File(f"/etc/{name}/{path}", text)


def _units(plan: Plan, host: ProxyPlan) -> Iterator[File]:
    called = programs(host.architecture)
    former = {name: units.caddy_files(name) for name in plan.topology.former_hostnames}
    certificates = {host.hostname: units.own_files(host), **former}
    sections: Mapping[str, tuple[Section, ...]] = {
        f"{IN}.service": units.in_unit(called),
        f"{OUT}.service": units.out_unit(called, units.secrets(smarthosts(plan))),
        f"{units.CERTIFICATE}.service": units.certificate_unit(called, certificates),
        f"{units.CERTIFICATE}.path": units.certificate_path(certificates),
        f"{units.CERTIFICATE}.timer": units.certificate_timer(),
    }
    for name, unit in sections.items():
        yield File(f"/etc/systemd/system/{name}", ini(unit))


def _users() -> str:
    lines = [f"g {units.GROUP} -"]
    lines += [f'u {name} - "Haraka" - -' for name in (IN, OUT)]
    return "\n".join(lines) + "\n"
