"""Is the network well: tunnels, firewall, mail's way out and home?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mailnix.doctor.machines.asked import tunnels
from mailnix.doctor.machines.facts import Firewall, Passes, Try, Tunnel, Xclient
from mailnix.doctor.machines.seen import Asking, Seen, days
from mailnix.doctor.values import Answer, Severity, Verdict
from mailnix.model import wireguard

GRACE: Final = 120.0
"""Seconds beyond those after which the tunnel dials anew by itself (mailnix-redial looks every minute)."""

OPEN_TO_MORE: Final = ("chain input", "chain forward")
"""Chains of a NixOS machine that may end with what its owner opens in networking.firewall."""

ENOUGH: Final = 2
"""Far servers that must be tried before port 25 is called closed: one of them may be away."""


def handshake(seen: Seen, said: tuple[Tunnel, ...]) -> Iterator[Verdict]:
    """Each tunnel is up: its last handshake is as young as keepalives make it."""
    found = {each.interface: each for each in said}
    answers = {each.interface for each in (seen.facts.mtu or () if seen.facts else ()) if each.passes}
    for link, mine, peer in tunnels(seen.host):
        subject, tunnel = seen.about(mine.interface), found.get(mine.interface)
        limit = wireguard.stale_after(link.keepalive) + GRACE
        advice = seen.on(f"wg show {mine.interface}; is {peer.host} on, and UDP {link.port} of {link.dialled} reached?")
        if tunnel is None or not tunnel.there:
            restart = seen.on("networkctl status; journalctl -u systemd-networkd")
            yield Verdict(subject, Answer.ABSENT, "there is no such interface", restart)
        elif mine.interface in answers and (tunnel.handshake is None or tunnel.handshake > limit):
            # Its age is by the clock of the wall, which somebody may have put forward.
            yield Verdict(subject, Answer.WELL, f"{peer.host} answers through it")
        elif tunnel.handshake is None:
            yield Verdict(subject, Answer.WRONG, "there was no handshake yet", advice)
        elif tunnel.handshake > limit:
            yield Verdict(subject, Answer.WRONG, f"the last handshake was {days(tunnel.handshake)} ago", advice)
        else:
            yield Verdict(subject, Answer.WELL, f"the last handshake was {tunnel.handshake:.0f} seconds ago")


def mtu(seen: Seen, said: tuple[Passes, ...]) -> Iterator[Verdict]:
    """Packets of the planned size come through each tunnel whole."""
    found = {each.interface: each.passes for each in said}
    for link, mine, peer in tunnels(seen.host):
        subject, passes = seen.about(mine.interface), found.get(mine.interface, 0)
        if not passes:
            advice = seen.on(f"ping -c 3 {peer.ipv4}")
            yield Verdict(subject, Answer.UNASKED, f"{peer.host} answers no ping through it", advice)
        elif passes < link.mtu:
            text = f"packets of {passes} bytes come through whole, larger ones do not; planned are {link.mtu}"
            advice = f"describe Tunnel(mtu={passes - passes % 4}), then mailnix deploy CONFIG"
            yield Verdict(subject, Answer.WRONG, text, advice)
        else:
            yield Verdict(subject, Answer.WELL, f"packets of {link.mtu} bytes come through whole")


def firewall(seen: Seen, said: Firewall) -> Iterator[Verdict]:
    """The table that is loaded is the planned one."""
    nixos = seen.facts is not None and seen.facts.os == "nixos"
    unit = "nftables" if nixos else "mailnix-firewall"
    reload = seen.on(f"systemctl reload-or-restart {unit}")
    if not said.there:
        yield Verdict(seen.name, Answer.ABSENT, "table inet mailnix is not loaded: nothing is closed", reload)
        return
    loaded, planned = _blocks(said.loaded), _blocks(said.planned)
    differences = [*_differences(loaded, planned, nixos=nixos)]
    if differences:
        more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
        yield Verdict(seen.name, Answer.WRONG, f"{differences[0]}{more}", reload)
    else:
        rules = sum(len(lines) for lines in planned.values())
        yield seen.well(f"table inet mailnix is loaded as planned: {len(planned)} sets and chains, {rules} lines")


def _blocks(text: str) -> Mapping[str, list[str]]:
    """Lines of a listing by the set or chain that they are in; a set that is listed twice has its elements then."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in map(str.strip, text.splitlines()):
        if line.endswith("{") and line.startswith(("set ", "chain ", "map ")):
            name = line.removesuffix("{").strip()
            found[name] = []
        elif line == "}":
            name = ""
        elif line and name:
            found[name].append(line)
    return found


def _differences(loaded: Mapping[str, list[str]], planned: Mapping[str, list[str]], *, nixos: bool) -> Iterator[str]:
    for name in dict.fromkeys((*planned, *loaded)):
        have, want = loaded.get(name), planned.get(name)
        if have is None:
            yield f"{name} is missing"
        elif want is None:
            yield f"{name} is in it, and not planned"
        elif have != want and not (nixos and name.startswith(OPEN_TO_MORE) and have[: len(want)] == want):
            yield f"{name} {_line(have, want)}"


def _line(have: list[str], want: list[str]) -> str:
    """The first line that differs; an order is a difference, too, for the first rule that matches counts."""
    missing = [line for line in want if line not in have]
    strange = [line for line in have if line not in want]
    if missing:
        return f"lacks: {missing[0]}"
    return f"has: {strange[0]}" if strange else "has its rules in another order, or twice"


def port25(family: str, seen: Seen, said: Mapping[str, tuple[Try, ...]]) -> Iterator[Verdict]:
    """Mail servers elsewhere are reached on port 25."""
    tries = said.get(family)
    if tries is None:
        return
    resolved = [each for each in tries if each.resolved]
    connected = [each for each in resolved if each.connected]
    greeted = [each for each in connected if each.said[:1] in ("2", "4")]
    if greeted:
        yield seen.well(f"{greeted[-1].host} says {greeted[-1].said[:60]}")
    elif len(resolved) < ENOUGH:
        advice = seen.on("resolvectl query gmail-smtp-in.l.google.com")
        yield Verdict(seen.name, Answer.UNASKED, "the names of far mail servers cannot be looked up", advice)
    elif connected:
        text = f"{connected[0].host} refuses this address: {connected[0].said[:100] or 'it hangs up'}"
        advice = "look the address up at https://check.spamhaus.org, and ask the provider"
        yield Verdict(seen.name, Answer.WRONG, text, advice, severity=Severity.WARNING)
    else:
        text = f"none of {len(resolved)} far mail servers is reached: {resolved[0].said}"
        advice = f"ask {seen.name}'s provider to open port 25 outwards; until then, a Relay in the description"
        yield Verdict(seen.name, Answer.WRONG, text, advice)


def ipv4(seen: Seen, said: Mapping[str, tuple[Try, ...]]) -> Iterator[Verdict]:
    """Over IPv4."""
    yield from port25("ipv4", seen, said)


def ipv6(seen: Seen, said: Mapping[str, tuple[Try, ...]]) -> Iterator[Verdict]:
    """Over IPv6, where the proxy has it."""
    yield from port25("ipv6", seen, said)


def xclient(seen: Seen, said: Xclient) -> Iterator[Verdict]:
    """Mailcow lets the proxy say on whose behalf it speaks, and believes it."""
    home = seen.plan.internal.name
    advice = f"on {home}: systemctl restart mailcow, which runs data/hooks/postfix/mailnix-xclient.sh again"
    if not said.offered:
        text = "Mailcow does not offer XCLIENT to it: every client's address is lost, and SPF fails"
        yield Verdict(seen.name, Answer.ABSENT, text, advice)
    elif not said.effective:
        why = f": {said.said}" if said.said else ", and goes on to take it for itself"
        yield Verdict(seen.name, Answer.WRONG, f"Mailcow offers XCLIENT and does not do it{why}", advice)
    else:
        yield seen.well("Mailcow takes it for whom it says")


def relays(seen: Seen, said: Xclient) -> Iterator[Verdict]:
    """Nobody else may: on other ports XCLIENT would be a way to relay without a login."""
    advice = f"on {seen.plan.internal.name}: smtpd_authorized_xclient_hosts in extra.cf must be empty"
    if said.elsewhere:
        listed = ", ".join(map(str, said.elsewhere))
        text = f"Mailcow offers XCLIENT on port {listed}, too: whoever is let through may relay without a login"
        yield Verdict(seen.name, Answer.WRONG, text, advice)
    for port, why in said.unasked:
        yield Verdict(seen.about(f"port {port}"), Answer.UNASKED, why, f"on {seen.plan.internal.name}: docker ps")
    if not said.elsewhere and not said.unasked:
        yield seen.well("port 25 alone offers it")


CHECKS: Final = (
    Asking("tunnel.handshake", "Each tunnel is up.", Severity.FAILURE, "tunnels", handshake, ("mtu",)),
    Asking("tunnel.mtu", "Packets of the planned size come through each tunnel.", Severity.FAILURE, "mtu", mtu),
    Asking("firewall", "The firewall is loaded as planned.", Severity.FAILURE, "firewall", firewall),
)
OF_PROXIES: Final = (
    Asking("port25.ipv4", "Mail servers are reached on port 25 over IPv4.", Severity.FAILURE, "port25", ipv4),
    Asking("port25.ipv6", "Mail servers are reached on port 25 over IPv6.", Severity.FAILURE, "port25", ipv6),
    Asking("xclient", "Mailcow learns each client's address from it.", Severity.FAILURE, "xclient", xclient),
    Asking("xclient.elsewhere", "Mailcow offers XCLIENT on port 25 alone.", Severity.FAILURE, "xclient", relays),
)
