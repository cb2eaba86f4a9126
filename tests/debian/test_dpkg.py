"""A machine's package on a server that somebody else set up: a real dpkg and systemd (rig/container.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Mailbox, Proxy
from mailnix.debian.host import DebianHost, debian_hosts
from mailnix.debian.package import generation
from mailnix.image import package
from mailnix.plan import derive
from mailnix.services.activation.names import ASIDE
from mailnix.tree import File, Tree
from rig import container
from rig.container import Container
from tests.descriptions import sound

ADDRESS = "203.0.113.10"
PROVIDERS = {
    "etc/hostname": "vps1234\n",
    "etc/hosts": "127.0.0.1 localhost vps1234\n",
    "root/.ssh/authorized_keys": "ssh-ed25519 AAAAprovider\n",
    "etc/network/interfaces": (
        f"auto lo\niface lo inet loopback\nauto host0\niface host0 inet static\n  address {ADDRESS}/24\n"
    ),
}
STRANGERS = {
    "etc/sysctl.d/60-mailnix.conf": "# mine\n",
    "etc/systemd/system/dhcpcd.service": "[Service]\nExecStart=/bin/true\n",
    "etc/ssh/sshd_config.d/10-mailnix.conf": "# mine, too\n",
    "etc/haraka-in/config/host_list": "mine.example\n",
}
"""What somebody has where nobody would look for it."""

ASIDE_TOO = "/etc/mailnix-theirs"
KILLED = 3
"""A generation whose installation is killed in the middle: it has two files more."""

SAID = "systemctl --failed --no-legend; journalctl --no-pager --lines=30 --unit=networking"
ACTIVE = "systemctl is-active "


def described(*domains: str) -> DebianHost:
    """The proxy; its card is called as containers call theirs."""
    proxy = Proxy("proxy", ipv4=ADDRESS, gateway="203.0.113.1", prefix=24, nameservers=["127.0.0.1"], card="host0")
    return debian_hosts(derive(sound(proxies=[proxy], domains=[_domain(name) for name in domains])))[0]


def _domain(name: str) -> Domain:
    return Domain(name, [Mailbox("alice")], [Alias("postmaster", ["alice"])])


def unit_started(server: Container, unit: str) -> str:
    return server.out(f"systemctl show --property=ActiveEnterTimestampMonotonic --value {unit}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """One for all tests here, which tell its life in order: it comes, changes, and goes."""
    if reason := container.seldom():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("server")
    packages = generation(described("example.org"), 1).depends
    with container.server(folder, [name for name in packages if not name.startswith("mailnix-")]) as made:
        for path, text in {**PROVIDERS, **STRANGERS}.items():
            place = made.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        for number, domains in enumerate((["example.org"], ["example.org", "example.net"]), start=1):
            package.make(generation(described(*domains), number), made.root / "debs")
        more = (File("/etc/mailnix-new", "new\n"), File(ASIDE_TOO, "ours\n"))
        host = described("example.org")
        package.make(generation(evolve(host, tree=Tree.of((*host.tree, *more))), KILLED), made.root / "debs")
        made.boot()
        yield made


def install(server: Container, number: int) -> str:
    """Haraka's own package is left out, as its test has it: what it brings waits for credentials anyway."""
    done = server.sh(f"dpkg --force-depends --install /debs/mailnix-proxy_{number}_all.deb", check=False)
    assert done.status == 0, done.stdout + done.stderr
    return done.stdout


def test_installing_takes_the_machine_over_and_its_address_stays(server: Container) -> None:
    before = server.out("ip -4 -brief address show host0")
    assert ADDRESS in before, server.out(SAID)
    install(server, 1)
    assert ADDRESS in server.out("ip -4 -brief address show host0")
    assert server.out("networkctl --no-legend list host0").split()[-1] == "configured"
    assert server.out("hostname") == "proxy"
    assert "mailnix" in server.out("nft list tables")


def test_only_who_is_described_may_log_in(server: Container) -> None:
    assert server.out("cat /root/.ssh/authorized_keys") == "\n".join(sound().admin_keys)
    assert server.out("cat /root/.ssh/authorized_keys.before-mailnix") == "ssh-ed25519 AAAAprovider"


def test_what_was_at_our_places_by_chance_steps_aside_too(server: Container) -> None:
    for path, text in STRANGERS.items():
        assert (server.root / f"{path}{ASIDE}").read_text() == text
    assert server.out("dpkg --verify mailnix-proxy") == ""


def test_what_is_described_runs_or_waits_for_credentials_and_nothing_failed(server: Container) -> None:
    for unit in ("mailnix-firewall", "unbound", "caddy", "systemd-networkd", "systemd-resolved", "ssh"):
        assert server.out(f"{ACTIVE}{unit}") == "active", unit
    assert server.out(f"{ACTIVE}mailnix-credentials") == "activating"
    assert server.out("systemctl --failed --no-legend --plain") == ""


def test_nobody_elses_program_has_the_network(server: Container) -> None:
    assert server.out("systemctl is-enabled networking") == "masked"
    assert server.out("readlink /etc/systemd/system-generators/netplan") == "/dev/null"


def test_dpkg_sees_what_is_changed_by_hand(server: Container) -> None:
    assert server.out("dpkg --verify mailnix-proxy") == ""
    server.sh("echo mine >> /etc/haraka-in/config/host_list")
    assert "/etc/haraka-in/config/host_list" in server.out("dpkg --verify mailnix-proxy")


def test_a_new_domain_reloads_caddy_and_restarts_nothing_that_runs(server: Container) -> None:
    units = ("caddy", "unbound", "systemd-networkd", "mailnix-firewall", "ssh", "systemd-resolved")
    before = {unit: unit_started(server, unit) for unit in units}
    install(server, 2)
    assert {unit: unit_started(server, unit) for unit in units} == before
    assert "example.net" in server.out("cat /etc/haraka-in/config/host_list /etc/caddy/Caddyfile")
    assert server.out("dpkg --verify mailnix-proxy") == ""


def test_the_generation_before_comes_back(server: Container) -> None:
    install(server, 1)
    assert "example.net" not in server.out("cat /etc/haraka-in/config/host_list")


def test_a_run_of_dpkg_that_was_killed_leaves_nothing_of_its_own(server: Container) -> None:
    """As far as it can come: the script has run, files are laid, and dpkg has not written down which."""
    deb = f"/debs/mailnix-proxy_{KILLED}_all.deb"
    server.sh(f"echo theirs > {ASIDE_TOO}")
    server.sh(f"dpkg-deb --control {deb} /run/killed && sh /run/killed/preinst upgrade 1")
    server.sh(f"dpkg-deb --fsys-tarfile {deb} | tar -C / -x ./etc/mailnix-new .{ASIDE_TOO}")
    install(server, 1)
    assert server.out("ls /etc/mailnix-* /var/lib/mailnix/laying 2>/dev/null") == ASIDE_TOO
    assert server.out(f"cat {ASIDE_TOO}") == "theirs"


def test_what_stood_aside_for_a_file_that_is_described_no_more_is_back(server: Container) -> None:
    install(server, KILLED)
    assert server.out(f"cat {ASIDE_TOO} {ASIDE_TOO}{ASIDE}") == "ours\ntheirs"
    install(server, 1)
    assert server.out(f"ls /etc/mailnix-*; cat {ASIDE_TOO}") == f"{ASIDE_TOO}\ntheirs"
    server.sh(f"rm {ASIDE_TOO}")


def test_it_boots_as_what_it_was_made(server: Container) -> None:
    server.sh("sync")
    server.cut_power()
    server.boot()
    assert ADDRESS in server.out("ip -4 -brief address show host0")
    assert server.out(f"{ACTIVE}mailnix-firewall") == "active"
    assert server.out("systemctl --failed --no-legend --plain") == ""


def test_purging_gives_everything_back(server: Container) -> None:
    done = server.sh("dpkg --purge mailnix-proxy", check=False)
    assert done.status == 0, done.stderr
    for path, text in {**PROVIDERS, **STRANGERS}.items():
        assert (server.root / path).read_text() == text
    assert ADDRESS in server.out("ip -4 -brief address show host0")
    assert server.out("hostname") == "vps1234"
    assert server.out(f"{ACTIVE}networking") == "active"
    assert server.out(f"{ACTIVE}systemd-networkd") == "inactive"
    assert server.out("nft list tables") == ""
    assert server.out("dpkg-divert --list | grep mailnix") == ""
    assert server.out("ls -d /etc/*mailnix* /usr/lib/mailnix* /etc/haraka*/config/* 2>/dev/null") == (
        "/etc/haraka-in/config/host_list"
    )


def test_it_boots_as_it_was_before(server: Container) -> None:
    server.sh("sync")
    server.cut_power()
    server.boot()
    assert ADDRESS in server.out("ip -4 -brief address show host0")
    assert server.out(f"{ACTIVE}networking") == "active"
