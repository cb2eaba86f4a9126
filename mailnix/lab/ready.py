"""What must be true before mail can flow, machine by machine, each condition named."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Protocol

from mailnix.image.values import Progress
from mailnix.lab.internet.layout import INTERNET
from mailnix.model import ports
from mailnix.plan import InternalPlan, Plan, ProxyPlan
from mailnix.services.caddy.debian import STORAGE
from mailnix.services.mailcow.units import ROOT

INTERNET_UNITS = ("named.service", "postfix.service", "caddy.service")
PROXY_UNITS = ("mailnix-credentials.service", "haraka-in.service", "haraka-out.service", "caddy.service")
INTERNAL_UNITS = ("mailnix-credentials.service", "mailcow.service", "mailcow-provision.service")
MAILCOW_TIMEOUT = 900.0  # seconds; containers start slowly in emulation


class Waiting(Protocol):
    """A machine that can be waited for: the lab's, or one of the NixOS test driver's."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def wait_for_boot(self, timeout: float = ...) -> None:
        """Wait until systemd has worked off the jobs of its boot."""
        ...

    def wait_for_unit(self, unit: str, timeout: float = ...) -> None:
        """Wait until a systemd unit is active."""
        ...

    def wait_until_succeeds(self, command: str, timeout: float = ..., *, subject: str = ...) -> str:
        """Run a command again and again until it succeeds."""
        ...


def wait_until_ready(plan: Plan, machines: Mapping[str, Waiting], progress: Progress) -> None:
    """Wait for every condition; raises LabError naming the one that did not come true."""
    for unit in INTERNET_UNITS:
        machines[INTERNET].wait_for_unit(unit)
    for proxy in plan.proxies:
        machines[proxy.name].wait_for_boot()
        for unit in PROXY_UNITS:
            machines[proxy.name].wait_for_unit(unit)
        progress(f"{proxy.name}: Haraka and Caddy run")
    internal = machines[plan.internal.name]
    progress(f"{internal.name}: Mailcow starts")
    internal.wait_for_boot(MAILCOW_TIMEOUT)
    for unit in INTERNAL_UNITS:
        internal.wait_for_unit(unit, timeout=MAILCOW_TIMEOUT)
        progress(f"{internal.name}: {unit} is up")
    for name, subject, command in conditions(plan):
        machines[name].wait_until_succeeds(command, MAILCOW_TIMEOUT, subject=subject)
        progress(f"{name}: {subject}")


# Asked from a proxy, as Haraka will: Mailcow's filter starts long after its Postfix, and mail gets a 4xx until then.
TAKES_MAIL = """\
exec 3<>/dev/tcp/{address}/{port} || exit 1
read -r -t 20 line <&3
printf 'EHLO {name}\\r\\n' >&3
offered=no
while read -r -t 20 line <&3; do
    case $line in 250?XCLIENT*) offered=yes ;; esac
    case $line in 250-*) ;; *) break ;; esac
done
[ $offered = yes ] || exit 1
printf 'MAIL FROM:<>\\r\\n' >&3
read -r -t 20 line <&3
printf 'QUIT\\r\\n' >&3
case $line in 250*) exit 0 ;; *) exit 1 ;; esac
"""


def tunnel_answers(proxy: ProxyPlan) -> str:
    """Succeeds on a proxy whose tunnel is up: a ping proves handshake, routes and firewall at once."""
    return f"ping -c 1 -W 5 {proxy.tunnel.internal.ipv4}"


def takes_mail(proxy: ProxyPlan) -> str:
    """Succeeds where Mailcow offers XCLIENT to this proxy and would take a mail."""
    script = TAKES_MAIL.format(address=proxy.tunnel.internal.ipv4, port=ports.SMTP, name=proxy.hostname)
    return f"bash -c {shlex.quote(script)}"


def conditions(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """(machine, what is waited for, a command that succeeds once it is true), in the order they come true."""
    for host in plan.hosts:
        match host:
            case ProxyPlan():
                yield host.name, "the tunnel answers", tunnel_answers(host)
                for name in dict.fromkeys((host.hostname, plan.topology.hostname)):
                    yield (
                        host.name,
                        f"Caddy has the certificate of {name}",
                        f"ls {STORAGE}/certificates/*/{name}/{name}.crt",
                    )
            case InternalPlan():
                yield (
                    host.name,
                    "Mailcow has its own certificate",
                    # Until then the sample is in its place.
                    f"cd {ROOT}/data/assets && ! cmp -s ssl/cert.pem ssl-example/cert.pem",
                )
    for proxy in plan.proxies:
        yield proxy.name, "Mailcow takes mail and XCLIENT from it", takes_mail(proxy)
