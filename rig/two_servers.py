"""Plain Debian servers, two at a provider and one at home, and a street between them for whoever deploys.

The provider's has a static address by ifupdown, the other one gets its own the same way (a router's DHCP is the
places' matter). What the host's kernel lacks is stood in for: WireGuard is wireguard-go, started where networkd would
have made the interface; Docker is packages of its names that do nothing, and Mailcow a greeting from a
container's port 25.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.debian.package import Package
from mailnix.image import package
from mailnix.run import Completed, run
from mailnix.tree import File, Link, Tree
from rig.container import MIRROR, Container, Network, offer, server

PROXY, SECOND, HOME = "203.0.113.10", "203.0.113.11", "192.168.1.20"
PROVIDERS_ROUTER, HOME_ROUTER = "203.0.113.1", "192.168.1.1"
PROVIDERS, AT_HOME = "br-vps", "br-nuc"
"""Their networks."""

RESOLVERS: Final = "nameserver 192.0.2.53\n"
DOCKER: Final = ("docker-cli", "docker-compose", "docker.io")
_UNITS: Final = "/usr/lib/systemd/system"
_INTERFACES: Final = """\
auto lo
iface lo inet loopback
auto host0
iface host0 inet static
  address {address}/24
  gateway {router}
"""
_KERNEL: Final = """\
#!/bin/sh
# The interfaces that this kernel cannot make for networkd, by wireguard-go, from networkd's own files.
for file in /etc/systemd/network/*.netdev; do
    grep -q '^Kind=wireguard' "$file" 2>/dev/null || continue
    name=$(sed -n 's/^Name=//p' "$file")
    ip link show dev "$name" >/dev/null 2>&1 && continue
    for each in private public preshared; do [ -s "/etc/credstore/network.wireguard.$each.$name" ] || continue 2; done
    # Each time another unit: one that ends with its interface is forgotten a moment later.
    systemctl stop "wg-$name-*" 2>/dev/null
    systemd-run --quiet --collect --unit="wg-$name-$$" wireguard-go -f "$name"
    n=0; until wg show "$name" >/dev/null 2>&1 || [ $n = 50 ]; do n=$((n+1)); sleep 0.1; done
    key() { echo "/etc/credstore/network.wireguard.$1.$name"; }
    value() { sed -n "s/^$1=//p" "$file"; }
    port=$(value ListenPort) endpoint=$(value Endpoint) alive=$(value PersistentKeepalive)
    wg set "$name" ${port:+listen-port "$port"} private-key "$(key private)" \
        peer "$(tr -d '\\n' < "$(key public)")" preshared-key "$(key preshared)" \
        ${endpoint:+endpoint "$endpoint"} ${alive:+persistent-keepalive "$alive"} \
        allowed-ips "$(value AllowedIPs | paste -sd, -)"
    ip link set "$name" up
    network=${file%.netdev}.network
    for address in $(sed -n 's/^Address=//p' "$network"); do ip address add "$address" dev "$name"; done
    # Routes of the tunnel alone; those of other tables are the kernel's that has WireGuard.
    for to in $(sed -n 's/^Destination=//p' "$network" | grep -v '/0$'); do ip route add "$to" dev "$name"; done
done
exit 0
"""
_AFTER_NETWORKD: Final = "[Service]\nExecStartPost=+/usr/local/sbin/kernel-wireguard\n"
_GREETING: Final = """\
import socket
with socket.create_server(("0.0.0.0", 25)) as door:
    while True:
        guest, _ = door.accept()
        with guest:
            guest.sendall(b"220 mail.example.org ESMTP\\r\\n")
"""
_DOCKERD: Final = """\
#!/bin/sh
# A container of Mailcow's, as Docker would connect it: a bridge, and its port 25 on the tunnel's address.
set -e
ip netns delete mailcow 2>/dev/null || true
ip link delete br-mailcow 2>/dev/null || true
ip link add br-mailcow type bridge
ip address add 172.22.1.1/24 dev br-mailcow
ip link set br-mailcow up
ip netns add mailcow
ip link add vmail master br-mailcow type veth peer name eth0 netns mailcow
ip link set vmail up
ip -n mailcow address add 172.22.1.253/24 dev eth0
ip -n mailcow link set eth0 up
ip -n mailcow route add default via 172.22.1.1
nft -f - <<END
table ip docker_stand_in
delete table ip docker_stand_in
table ip docker_stand_in {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    iifname "wg-*" tcp dport 25 dnat to 172.22.1.253
  }
}
END
exec nsenter --net=/run/netns/mailcow python3 /usr/lib/greet.py
"""
_DOCKER: Final = "[Service]\nExecStart=/usr/lib/dockerd\n[Install]\nWantedBy=multi-user.target\n"


@frozen
class Servers:
    """What the tests hold: the machines, the namespace between them, an ssh_config(5) that knows all.

    `second` is for a proxy that joins later.
    """

    proxy: Container
    home: Container
    second: Container
    namespace: str
    ssh_config: Path

    def client(self, *words: str | os.PathLike[str], check: bool = False, timeout: float = 1800) -> Completed:
        """Run mailnix where both are reached: words as on its command line."""
        return run(self.words(*words), check=check, timeout=timeout)

    def words(self, *words: str | os.PathLike[str]) -> tuple[str | os.PathLike[str], ...]:
        """The call for that."""
        return ("nsenter", f"--net=/run/netns/{self.namespace}", sys.executable, "-m", "mailnix", *words)


@contextlib.contextmanager
def servers(folder: Path, packages: Sequence[str]) -> Iterator[Servers]:
    """All, booted, as somebody else set them up; root's key is `folder`/id_ed25519. Their apt can bring `packages`."""
    debians = [name for name in packages if name not in DOCKER]
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "admin", "-f", folder / "id_ed25519"])
    with _street(f"mn{os.getpid()}") as namespace, contextlib.ExitStack() as stack:
        made: dict[str, Container] = {}
        for name, address, router, bridge in (
            ("vps", PROXY, PROVIDERS_ROUTER, PROVIDERS),
            ("nuc", HOME, HOME_ROUTER, AT_HOME),
            ("new", SECOND, PROVIDERS_ROUTER, PROVIDERS),
        ):
            network = Network(namespace, bridge)
            each = stack.enter_context(server(folder / name, ["wireguard-go"], debians, name=name, network=network))
            _furnish(each.root, name, _INTERFACES.format(address=address, router=router), folder)
            _dockers_names(each.root / MIRROR[1:])
            offer(each.root)
            each.boot()
            made[name] = each
        yield Servers(made["vps"], made["nuc"], made["new"], namespace=namespace, ssh_config=_ssh_config(folder))


@contextlib.contextmanager
def _street(name: str) -> Iterator[str]:
    """A namespace that routes between the provider's network and home's."""
    run(["ip", "netns", "add", name])
    try:
        inside = ("ip", "-n", name)
        run([*inside, "link", "set", "lo", "up"])
        for bridge, router in ((PROVIDERS, PROVIDERS_ROUTER), (AT_HOME, HOME_ROUTER)):
            run([*inside, "link", "add", bridge, "type", "bridge"])
            run([*inside, "address", "add", f"{router}/24", "dev", bridge])
            run([*inside, "link", "set", bridge, "up"])
        run(["nsenter", f"--net=/run/netns/{name}", "sysctl", "-qw", "net.ipv4.ip_forward=1"])
        yield name
    finally:
        run(["ip", "netns", "delete", name], check=False)


def _furnish(root: Path, name: str, interfaces: str, folder: Path) -> None:
    """What providers and owners have put there, and the stand-ins."""
    files = {
        "etc/hostname": f"{name}\n",
        "etc/hosts": f"127.0.0.1 localhost {name}\n",
        "etc/resolv.conf": RESOLVERS,
        "root/.ssh/authorized_keys": (folder / "id_ed25519.pub").read_text(),
        "etc/network/interfaces": interfaces,
        "usr/local/sbin/kernel-wireguard": _KERNEL,
        "etc/systemd/system/systemd-networkd.service.d/kernel.conf": _AFTER_NETWORKD,
    }
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)  # a link, in some
        place.write_text(text)
        place.chmod(0o755 if "sbin" in path else 0o644)


def _dockers_names(folder: Path) -> None:
    """Packages of Docker's names, with its unit and a program that does nothing."""
    files: dict[str, tuple[File, ...]] = {
        "docker-cli": (File("/usr/bin/docker", "#!/bin/sh\nexit 1\n", 0o755),),
        "docker-compose": (),
        "docker.io": (
            File(f"{_UNITS}/docker.service", _DOCKER),
            File("/usr/lib/dockerd", _DOCKERD, 0o755),
            File("/usr/lib/greet.py", _GREETING),
        ),
    }
    for name in DOCKER:
        tree = Tree.of((*files[name], Link(f"/usr/share/doc/{name}/stand-in", "/dev/null")))
        package.make(Package(name, "99", (), f"stands in for {name}", tree), folder)


def _ssh_config(folder: Path) -> Path:
    place = folder / "ssh_config"
    place.write_text(
        f"IdentityFile {folder / 'id_ed25519'}\nIdentitiesOnly yes\nStrictHostKeyChecking accept-new\n"
        f"UserKnownHostsFile {folder / 'known_hosts'}\nLogLevel ERROR\n"
    )
    return place
