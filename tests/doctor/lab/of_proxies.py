"""Faults of the proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mailnix.doctor.machines.guest.system import LISTS
from mailnix.model import ports
from mailnix.services.caddy.debian import STORAGE
from mailnix.services.credentials import names
from mailnix.services.generations.names import CHANGES, STATE
from mailnix.services.haraka.values import OUT
from tests.doctor.lab.fault import INTERNET, PROXY, Breaks, Fault, edited, moved, on
from tests.doctor.lab.practice import Practice

PLACES: Final = ("proxy",)
CREDENTIAL: Final = f"{names.STORE}/haraka.internalcmd"
BOOT: Final = "/boot"  # which no service needs
FULL: Final = "/var/tmp/full"
QUEUED: Final = f"/var/lib/{OUT}/queue/1700000000000_1700000000000_0_1_abcdef_1_proxy"
"""A mail as Haraka names it, of 2023."""
STAMPS: Final = " ".join(LISTS)
CERTIFICATE: Final = f"{STORAGE}/certificates/*/mta-sts.example.net"
TUNNEL: Final = "$(wg show interfaces)"
PEERS: Final = "/run/peers-before-the-fault"


@contextmanager
def wrong_clock(practice: Practice) -> Iterator[None]:
    """It is put forward where no time server is reached."""
    time = practice.scene.layout.time.ipv4
    breaks = on(
        PROXY,
        f"ip route replace blackhole {time}/32; date --set='+100 seconds'",
        f"ip route del blackhole {time}/32; systemctl restart systemd-timesyncd",
    )
    with breaks(practice):
        yield


@contextmanager
def small_tunnel(practice: Practice) -> Iterator[None]:
    """Its own MTU is another one."""
    mtu = practice.scene.proxy.tunnel.mtu
    with on(PROXY, f"ip link set {TUNNEL} mtu 1300", f"ip link set {TUNNEL} mtu {mtu}")(practice):
        yield


def provider(rule: str) -> Breaks:
    """What somebody on the way does with packets: nftables of the internet machine, where all of them pass."""
    table = "inet provider"
    chains = "".join(
        f"chain {hook} {{ type filter hook {hook} priority -5; policy accept; {rule}; }}; "
        for hook in ("input", "forward")
    )
    return on(INTERNET, f"echo '{table_of(table, chains)}' | nft -f -", f"nft delete table {table}")


def table_of(name: str, chains: str) -> str:
    return f"table {name} {{ {chains} }}"


def fault(name: str, id: str, breaks: Breaks, **more: object) -> Fault:
    return Fault(name, f"proxy.{id}", breaks, **{"only": PLACES, **more})  # type: ignore[arg-type]


OF_PROXIES: Final = (
    fault("a unit was stopped", "units", on(PROXY, f"systemctl stop {OUT}", f"systemctl start {OUT}")),
    fault(
        "a unit of somebody else has failed",
        "units",
        on(
            PROXY,
            "systemd-run --quiet --unit=of-somebody --wait false || true",
            "systemctl reset-failed of-somebody.service",
        ),
    ),
    fault("the clock is wrong", "clock", wrong_clock),
    fault(
        "the disk is nearly full",
        "disk",
        on(
            PROXY,
            f"set -- $(df --output=size,avail -B1 / | tail -n 1); fallocate -l $(($2 - $1 * 6 / 100)) {FULL}",
            f"rm -f {FULL}",
        ),
    ),
    fault(
        "there is no room for more files",
        "inodes",
        on(
            PROXY,
            f"mount -t tmpfs -o size=1m,nr_inodes=20 tmpfs {BOOT} && cd {BOOT} && touch $(seq 18)",
            f"umount {BOOT}",
        ),
    ),
    fault(
        "nobody knows of updates",
        "updates",
        on(
            PROXY,
            f"touch --no-create --date='9 days ago' {names.HOST_KEY} {STAMPS}",
            f"touch --no-create {names.HOST_KEY} {STAMPS}",
        ),
    ),
    fault(
        "a package wants a reboot",
        "reboot",
        on(PROXY, "touch /run/reboot-required", "rm -f /run/reboot-required"),
    ),
    fault(
        "others may read a credential",
        "credentials",
        on(PROXY, f"chmod 644 {CREDENTIAL}", f"chmod 600 {CREDENTIAL}"),
    ),
    fault("a credential is gone", "credentials", moved(PROXY, CREDENTIAL)),
    fault(
        "a rule of the firewall is missing",
        "firewall",
        on(PROXY, "nft flush chain inet mailnix bans", "systemctl reload mailnix-firewall"),
    ),
    fault(
        "the firewall lets everybody in",
        "firewall",
        on(PROXY, "nft insert rule inet mailnix input accept", "systemctl reload mailnix-firewall"),
    ),
    fault(
        "the provider closes port 25 over IPv4",
        "port25.ipv4",
        provider(f"ip saddr 203.0.113.10 tcp dport {ports.SMTP} reject with tcp reset"),
    ),
    fault(
        "the provider closes port 25 over IPv6",
        "port25.ipv6",
        provider(f"ip6 saddr 2001:db8:10::10 tcp dport {ports.SMTP} reject with tcp reset"),
    ),
    fault("a mail is stuck in the queue", "queue", on(PROXY, f"touch {QUEUED}", f"rm -f {QUEUED}")),
    fault("a name has no certificate", "certificate.files", moved(PROXY, CERTIFICATE)),
    fault(
        "somebody has edited a file",
        "drift",
        edited(PROXY, "/etc/caddy/Caddyfile", "echo '# by hand' >> $file"),
        evidence="/etc/caddy/Caddyfile was changed",
    ),
    fault("a file is gone", "drift", moved(PROXY, "/etc/systemd/system/mailnix-readmit.timer")),
    fault(
        "a change waits to be confirmed",
        "pending",
        on(PROXY, f'mkdir -p {STATE}; echo \'{{"pending": {{"to": 7}}}}\' > {CHANGES}', f"rm -f {CHANGES}"),
    ),
    fault(
        "the last deploy went back",
        "deployed",
        on(PROXY, f'mkdir -p {STATE}; echo \'{{"last": {{"end": "back"}}}}\' > {CHANGES}', f"rm -f {CHANGES}"),
    ),
    fault(
        "the tunnel does not know its other end",
        "tunnel.handshake",
        on(
            PROXY,
            f"umask 077; wg showconf {TUNNEL} > {PEERS}; wg set {TUNNEL} peer $(wg show {TUNNEL} peers) remove",
            f"wg syncconf {TUNNEL} {PEERS}",
        ),
        unasked=("proxy.tunnel.mtu", "proxy.xclient", "proxy.xclient.elsewhere"),
    ),
    fault("the tunnel takes no large packets", "tunnel.mtu", small_tunnel),
)
