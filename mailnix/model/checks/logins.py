"""Who may log in, and whether anybody can: a machine that nobody reaches is found before it is built."""

from __future__ import annotations

from collections.abc import Iterator

from mailnix.model import networks, ports
from mailnix.model.checks.found import Found, each
from mailnix.model.checks.texts import network as as_network
from mailnix.model.net import not_public, within
from mailnix.model.ssh_keys import fault, parse
from mailnix.model.topology import PRIVATE_NETWORKS, Internal, Proxy, Topology, Tunnel

MEANT = "sealed=True where nobody shall"
WAYS_HOME = 'name home networks (lan_admin_cidrs=["192.168.1.0/24"]), or let a proxy lead there (ssh_via_proxy=True)'


def check(topology: Topology, found: Found) -> None:
    """Check the keys, then whether each machine has a way in that somebody has a key for."""
    usable = _keys(topology, found)
    _key_holders(topology, usable, found)
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        if proxy.sealed is True and proxy.admin_cidrs:
            _contradiction(f"{path}.sealed", "admin_cidrs", found)
        elif proxy.admin_cidrs:
            _from_nowhere(topology, path, proxy, found)
    if isinstance(topology.internal, Internal):
        _home(topology, topology.internal, found)


def _keys(topology: Topology, found: Found) -> int:
    """How many of the keys let somebody in."""
    seen: dict[str, str] = {}
    for path, key in each(topology.admin_keys, str, "admin_keys"):
        wrong, line = fault(key), parse(key)
        if wrong is not None:
            found.error(path, wrong.message, wrong.hint)
        elif line is not None and line.body in seen:
            found.warning(path, f"is the same key as {seen[line.body]}")
        elif line is not None:
            seen[line.body] = path
    return len(seen)


def _machines(topology: Topology) -> Iterator[Proxy | Internal]:
    yield from (proxy for _, proxy in each(topology.proxies, Proxy, "proxies"))
    if isinstance(topology.internal, Internal):
        yield topology.internal


def _key_holders(topology: Topology, usable: int, found: Found) -> None:
    """A machine that is not sealed wants a key; keys want a machine that takes them."""
    if not isinstance(topology.admin_keys, tuple):
        return
    machines = list(_machines(topology))
    closed = [str(machine.name) for machine in machines if machine.sealed is False]
    if closed and not usable:
        why = "no key there can be used" if topology.admin_keys else "there is no SSH public key"
        hint = "give yours, the line in ~/.ssh/id_ed25519.pub (none there? ssh-keygen -t ed25519), or write "
        found.error("admin_keys", f"nobody can log in to {' or '.join(closed)}: {why}", hint + MEANT)
    elif machines and not closed and topology.admin_keys:
        found.warning("admin_keys", "no machine takes a key: each is sealed", "leave them out")


def _from_nowhere(topology: Topology, path: str, proxy: Proxy, found: Found) -> None:
    """A proxy sees the public addresses of people; a private network must be one that it is in itself."""
    admins = [known.network for known in networks.described("admins", proxy.admin_cidrs)]
    near = [known for known in networks.at_providers(topology) if known.path.startswith(f"{path}.")]
    own = [known.network for known in near if not known.path.startswith(f"{path}.admin_cidrs")]
    tunnel = [known.network for known in networks.described("tunnel", _tunnel(topology))]
    private = [network for network in admins if (not_public(network[0]) or "").startswith("a private address")]
    met = any(one.version == other.version and one.overlaps(other) for one in private for other in own)
    met |= any(within(one, other) for one in private for other in tunnel)  # a larger one means homes, not the tunnel
    if private and private == admins and not met:
        found.warning(
            f"{path}.admin_cidrs",
            f"nobody on the internet has an address in {private[0]}: you may not be able to log in to {proxy.name}",
            "name the public network that you come from, or leave it out (SSH takes keys only)",
        )


def _tunnel(topology: Topology) -> tuple[str, ...]:
    tunnel = topology.tunnel
    if not isinstance(tunnel, Tunnel):
        return ()
    return (tunnel.subnet if tunnel.subnet is not None else str(networks.tunnel_subnet(topology)), tunnel.subnet6)


def _home(topology: Topology, internal: Internal, found: Found) -> None:
    cidrs, via_proxy = internal.lan_admin_cidrs, internal.ssh_via_proxy is True
    if internal.sealed is True:
        if via_proxy:
            _contradiction("internal.sealed", "ssh_via_proxy", found)
        elif cidrs not in ((), PRIVATE_NETWORKS):
            _contradiction("internal.sealed", "lan_admin_cidrs", found)
        return
    _not_the_home_network(internal, found)
    if via_proxy:
        _forwarding(topology, found)
    proxies = [proxy for _, proxy in each(topology.proxies, Proxy, "proxies")]
    no_jump = bool(proxies) and all(proxy.sealed is True for proxy in proxies)
    if via_proxy and no_jump:
        only = f"nobody can log in to {internal.name}: " if cidrs == () else ""
        found.error(
            "internal.ssh_via_proxy",
            f"{only}no proxy can lead there, for nobody may log in to one (sealed)",
            "unseal a proxy, or leave ssh_via_proxy out and name home networks (lan_admin_cidrs); " + MEANT,
        )
    elif cidrs == () and not via_proxy:
        message = f"nobody can log in to {internal.name}: no home network may, and no proxy leads there"
        found.error("internal.lan_admin_cidrs", message, f"{WAYS_HOME}, or write {MEANT}")


def _not_the_home_network(internal: Internal, found: Found) -> None:
    """Who may log in from home may come from behind a router, and is more often in the network that is described."""
    for lan in networks.described("lan", internal.lan):
        texts = internal.lan_admin_cidrs if isinstance(internal.lan_admin_cidrs, tuple) else ()
        admins = [each for each in map(as_network, texts) if each is not None and each.version == lan.network.version]
        if admins and not any(lan.network.overlaps(each) for each in admins):
            found.warning(
                "internal.lan_admin_cidrs",
                f"nobody in the home network {lan.network} may log in to {internal.name} from there",
                f'to let it in, write lan_admin_cidrs=["{lan.network}"]',
            )


def _forwarding(topology: Topology, found: Found) -> None:
    """A jump host forwards, which a key's own options may forbid."""
    for path, key in each(topology.admin_keys, str, "admin_keys"):
        line = parse(key)
        if line is None:
            continue
        if not line.may_forward(ports.SSH):
            hint = "add port-forwarding to its options, or take out what forbids it"
            found.warning(path, "may not go on from a proxy, by its own options: ssh -J fails with it", hint)
        elif line.sources and not any(_from_tunnel(topology, source) for source in line.sources):
            subnet = _tunnel(topology)[0] if _tunnel(topology) else ""
            message = "may not come to the machine at home by way of a proxy, by its own from="
            found.warning(path, message, f"add {subnet} to it: that is where a proxy's connections come from")


def _from_tunnel(topology: Topology, source: str) -> bool:
    """Whether a pattern of from= (sshd(8)) may mean an address in the tunnel; a wildcard may."""
    if source.startswith("!"):
        return False
    given, own = (tuple(networks.described("", texts)) for texts in ((source,), _tunnel(topology)))
    near = any(a.network.version == b.network.version and a.network.overlaps(b.network) for a in given for b in own)
    return near or not set("*?").isdisjoint(source)


def _contradiction(path: str, field: str, found: Found) -> None:
    found.error(path, f"says that nobody shall log in, and {field} says who may", "leave one of them out")
