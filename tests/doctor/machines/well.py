"""A proxy and a machine at home on which all is well, as they would say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import evolve

from mailnix.doctor.machines import facts
from mailnix.doctor.machines.asked import ON_NIXOS, tunnels, wanted_units
from mailnix.doctor.machines.certificates import Certificate
from mailnix.doctor.machines.facts import Facts
from mailnix.doctor.machines.seen import Seen
from mailnix.plan import HostPlan, Plan, ProxyPlan, derive
from mailnix.services.firewall.render import table
from mailnix.services.mailcow.pin import PIN
from tests.descriptions import sound

NOW: Final = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
DAY: Final = 86400.0
PLAN: Final = derive(sound())
PROXY: Final = PLAN.proxies[0]
HOME: Final = PLAN.internal
GIB: Final = 2**30


def certificate(*names: str, begins: float = -30, ends: float = 60, **more: Any) -> Certificate:
    """One of ninety days, a third of which is over; `begins` and `ends` in days from now."""
    dates = (NOW + timedelta(days=begins), NOW + timedelta(days=ends))
    return Certificate(names, *dates, fingerprint=f"of {names[0] if names else 'nobody'}", issuer="CN=R1", **more)


def listing(host: HostPlan) -> str:
    """A table as a listing has it; that nft prints it so is of no account to a judge."""
    return f"table inet mailnix {{\n{table(host)}}}\n"


def of_every(host: HostPlan, plan: Plan = PLAN) -> dict[str, Any]:
    """What both kinds of machine say."""
    wanted = wanted_units(plan, host)
    return {
        "units": facts.Units(tuple(facts.Unit(name) for name in wanted)),
        "clock": facts.Clock(True, NOW.timestamp(), 30 * DAY, "pool.ntp.org", 0.002),
        "disks": (facts.Disk("/", 20 * GIB, 12 * GIB, 1_000_000, 900_000),),
        "memory": facts.Memory(GIB, GIB // 2, GIB, GIB),
        "updates": facts.Updates((), lists=DAY / 2, upgraded=DAY / 3, born=100 * DAY),
        "reboot": "",
        "credentials": facts.Credentials(
            facts.Kept(True, mode=0o700),
            tuple(facts.Kept(True, each.name, 44, 0, 0o600) for each in host.credentials),
        ),
        "tunnels": tuple(
            facts.Tunnel(mine.interface, mtu=link.mtu, handshake=70.0) for link, mine, _peer in tunnels(host)
        ),
        "mtu": tuple(facts.Passes(mine.interface, link.mtu) for link, mine, _peer in tunnels(host)),
        "firewall": facts.Firewall(True, listing(host), listing(host)),
        "generation": facts.Generation(4, made="2026-11-20T10:00:00Z", end="confirmed"),
        "drift": facts.Drift(),
    }


def proxy(plan: Plan = PLAN, host: ProxyPlan = PROXY) -> Facts:
    """What a proxy says."""
    names = host.certificate.names
    greets = (facts.Try("mx.far.example", True, True, "220 mx.far.example ESMTP"),)
    return Facts(
        **of_every(host, plan),
        port25={"ipv4": greets, "ipv6": greets},
        xclient=facts.Xclient(True, True),
        queue=facts.Queue(3, 5000.0, 2),
        files=tuple(facts.InFile(name, f"/certificates/{name}.crt", True, certificate(name)) for name in names),
        served=tuple(facts.Served(port, name, certificate(name)) for port, name in _served(host)),
    )


def _served(host: ProxyPlan) -> list[tuple[int, str]]:
    return [(25, host.hostname), *((443, name) for name in host.certificate.names)]


SERVICES: Final = ("postfix-mailcow", "dovecot-mailcow", "nginx-mailcow", "clamd-mailcow")
IMAGES: Final = (
    "ghcr.io/mailcow/postfix:3.10.12-1",
    "ghcr.io/mailcow/dovecot:2.3.21.1-2",
    "ghcr.io/mailcow/nginx:1.30.4-1",
    "ghcr.io/mailcow/clamd:1.71",
)


def home(plan: Plan = PLAN) -> Facts:
    """What the machine at home says."""
    name, host = plan.topology.hostname, plan.internal
    shown = certificate(name)
    return Facts(
        **of_every(host, plan),
        mailq=facts.Queue(1, 40.0),
        files=(facts.InFile(name, "/var/lib/mailcow/data/assets/ssl/cert.pem", True, shown),),
        served=tuple(facts.Served(port, name, shown) for port in (25, *(each.port for each in host.client_ports))),
        containers=facts.Containers(
            tuple(
                facts.Container(
                    service, "running", "starting" if "clamd" in service else "healthy", image, f"id{image}"
                )
                for service, image in zip(SERVICES, IMAGES, strict=True)
            ),
            SERVICES,
            tuple(facts.Image(image, f"id{image}") for image in IMAGES),
            PIN.rev,
        ),
        backup=facts.Backups(True, 7, DAY / 2, drill=30 * DAY, born=200 * DAY),
        provision=facts.Provision("active", said=("0 changes, 0 refused",)),
        admin=facts.Admin(True, True, False),
    )


def on_nixos(of: Facts) -> Facts:
    """The same, said by NixOS, whose units for some of it have other names."""
    assert of.units is not None
    names = dict.fromkeys(ON_NIXOS.get(unit.name, unit.name) for unit in of.units.units)
    running = facts.Units(tuple(facts.Unit(name) for name in names))
    return evolve(of, os="nixos", units=running, updates=facts.Updates(nixos="26.11.20260730.abc"))


def seen(of: Facts | None, host: HostPlan, plan: Plan = PLAN, **more: Any) -> Seen:
    """Asked for a second, in the middle of the day."""
    return Seen(plan, host, of, NOW - timedelta(seconds=1), NOW, "ssh", **more)
