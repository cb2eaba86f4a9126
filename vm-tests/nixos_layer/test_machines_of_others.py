"""Machines of other people's making that use our modules, built and booted on NixOS's layer.

`relay` has services.haraka alone, `post` services.mailcow alone, and `proxy` is what mailnix emits, on a machine that
its owner uses for more. Their secrets are laid as sops-nix and agenix lay them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from attrs import frozen

from mailnix.lab.disks import overlay
from mailnix.lab.fake_mailcow.build import FakeMailcow, build_fake
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.nixos.build import Layer, Wanted
from mailnix.lab.nixos.machines import disk_of, mailcow_module
from mailnix.lab.ready import MAILCOW_TIMEOUT
from mailnix.lab.spec import Disk, DiskFormat, Inlet, MachineSpec
from mailnix.nar import nar_hash

pytestmark = pytest.mark.usefixtures("all_of_it")

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent / "machines"
PYTHON = "/run/current-system/sw/bin/python3"
POST, READ = (f"{PYTHON} /root/{script}" for script in ("post.py", "read.py"))
OUTSIDE = (HERE / "outside.sh").read_bytes()
INTERNET = "ip netns exec outside"
SINK = "/var/lib/sink"
SOON = 120.0  # seconds
HOME = "/run/haraka-submission"
CERTIFICATE = "/run/haraka-submission-tls/cert.pem"
LAID_ANEW = """
    cp -a /run/secrets.d/1 /run/secrets.d/2
    cp /etc/test/renewed/renewed.submit.example.org.crt /run/secrets.d/2/haraka/certificate
    cp /etc/test/renewed/renewed.submit.example.org.key /run/secrets.d/2/haraka/key
    ln -sfT /run/secrets.d/2 /run/secrets.new
    mv -T /run/secrets.new /run/secrets
    rm -rf /run/secrets.d/1
"""


@frozen
class Built:
    """Toplevels by the machine's name."""

    layer: Layer
    tops: Mapping[str, str]
    mailcow: FakeMailcow
    folder: Path

    def booted(self, name: str, memory: int, *disks: Disk, ports: Sequence[int] = ()) -> Iterator[Machine]:
        """The machine, when its boot is over and somebody listens on these ports; cut off in the end."""
        top = self.tops[name]
        image = disk_of(self.layer, name, top, self.folder, lambda _line: None)
        disk = overlay(image, self.folder / f"{name}.qcow2", base_format=DiskFormat.RAW)
        spec = MachineSpec(name, disk, memory, kernel=self.layer.kernel(top), inlet=Inlet(22), extra_disks=disks)
        with Machine(spec, paths_for(name, self.folder, self.folder)) as machine:
            machine.wait_for_boot(MAILCOW_TIMEOUT)
            for port in ports:
                machine.wait_for_open_port(port)
            for script in ("post.py", "read.py"):
                machine.write_file(f"/root/{script}", (HERE / script).read_bytes())
            yield machine


@pytest.fixture(scope="module")
def built(layer: Layer, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("others")
    mailcow = build_fake()
    beside = folder / "fake-mailcow.nix"
    beside.write_text(mailcow_module(nar_hash(mailcow.tree)))
    shutil.copytree(mailcow.tree, folder / "mailcow")
    modules = {
        "relay": (HERE / "haraka_alone.nix",),
        "post": (HERE / "mailcow_alone.nix", beside),
        "proxy": (HERE / "beside.nix",),
    }
    return Built(layer, layer.build(Wanted(modules=modules, beside=(REPOSITORY,))), mailcow, folder)


@pytest.fixture(scope="module")
def relay(built: Built) -> Iterator[Machine]:
    yield from built.booted("relay", 768, ports=(25, 587))


@pytest.fixture(scope="module")
def mailcow(built: Built) -> Iterator[Machine]:
    yield from built.booted("post", 2048, Disk(built.mailcow.images_disk, serial="images"))


@pytest.fixture(scope="module")
def proxy(built: Built) -> Iterator[Machine]:
    yield from built.booted("proxy", 1024, ports=(25,))


def healthy(machine: Machine) -> None:
    """Nothing failed, and no order had to be broken."""
    assert machine.succeed("systemctl --failed --plain --no-legend") == ""
    assert machine.succeed("systemctl is-system-running").strip() == "running"
    said = "[o]rdering cycle|[F]ailed to set up"  # not these words themselves, which are in the agent's own record
    assert machine.succeed(f"journalctl -b --no-pager --quiet --grep '{said}' | cat") == ""


def post(machine: Machine, *words: str, where: str = "") -> str:
    """Send a mail from the machine itself; gives what is said of the server's certificate."""
    return machine.wait_until_succeeds(f"{where} {' '.join((POST, *words))}", SOON)


def refused(machine: Machine, *words: str, where: str = "") -> str:
    """What a server says to a mail that it does not take, for good or (Mailcow, to who would relay) for now."""
    return machine.fail(f"{where} {' '.join((POST, *words))}")


def taken(machine: Machine, text: str) -> str:
    """The mail that came to the sink with this text in it, its envelope first."""
    return machine.wait_until_succeeds(f"found=$(grep -l '{text}' {SINK}/*.eml) && cat $found", SOON)


def modes(machine: Machine, *paths: str) -> list[str]:
    """Owner, group and mode of each file."""
    return machine.succeed(f"stat -L -c '%U:%G %a' {' '.join(paths)}").splitlines()


def answers(machine: Machine, port: int) -> bool:
    """Whether somebody outside gets a connection to the machine."""
    return machine.execute(f"{INTERNET} timeout 20 bash -c ': </dev/tcp/198.51.100.1/{port}'").ok


# services.haraka alone


def test_a_machine_with_haraka_alone_boots_without_a_failed_unit(relay: Machine) -> None:
    healthy(relay)


def test_mail_for_its_domain_is_handed_on_under_security_acmes_certificate(relay: Machine) -> None:
    relay.wait_until_succeeds("cmp /var/lib/acme/mx.example.org/fullchain.pem /run/haraka-mx-tls/cert.pem", SOON)
    relay.succeed("test -e /var/lib/acme/mx.example.org/acme-success")
    assert "DNS:mx.example.org" in post(relay, "127.0.0.1", "25", "bob@example.net", "alice@example.org")
    assert "RCPT TO:<alice@example.org>" in taken(relay, "To: alice@example.org")


def test_mail_for_others_is_refused(relay: Machine) -> None:
    assert "550" in refused(relay, "127.0.0.1", "25", "bob@example.net", "carol@example.com")


def test_who_has_a_password_that_sops_laid_may_send(relay: Machine) -> None:
    words = ("127.0.0.1", "587", "alice@example.org", "dave@example.net")
    assert "DNS:submit.example.org" in post(relay, *words, "alice", "her-password")
    assert "RCPT TO:<dave@example.net>" in taken(relay, "To: dave@example.net")
    assert "535" in refused(relay, *words, "alice", "another")
    assert "550" in refused(relay, *words)


def test_secrets_are_for_haraka_alone(relay: Machine) -> None:
    assert modes(relay, f"{HOME}/config/internalcmd_key", f"{HOME}/config/auth_flat_file.ini", HOME) == [
        "haraka-submission:haraka-submission 400",
        "haraka-submission:haraka-submission 400",
        "haraka-submission:haraka-submission 700",
    ]
    assert modes(relay, "/run/haraka-submission-tls/key.pem", "/srv/mail/queue") == [
        "root:haraka-submission 640",
        "haraka-submission:haraka-submission 700",
    ]


def test_a_certificate_that_sops_lays_anew_is_presented_after_the_restart_that_it_asks_for(relay: Machine) -> None:
    relay.succeed(f"set -e; {LAID_ANEW}")
    relay.succeed("systemctl try-restart haraka-submission.service")
    assert relay.succeed(f"cmp /run/secrets/haraka/certificate {CERTIFICATE}") == ""
    relay.wait_for_open_port(587)
    assert "DNS:renewed.submit" in post(relay, "127.0.0.1", "587", "a@example.org", "b@c.test", "alice", "her-password")


def test_nixos_firewall_lets_in_what_was_asked_for_and_nothing_else(relay: Machine) -> None:
    relay.succeed("sh -s", stdin=OUTSIDE)
    assert [port for port in (22, 25, 80, 443, 587, 2525) if answers(relay, port)] == [25, 80, 587]
    assert relay.succeed(f"{INTERNET} curl -s -H 'Host: www.example.org' http://198.51.100.1") == "mine"


# services.mailcow alone


def test_a_machine_with_mailcow_alone_boots_without_a_failed_unit(mailcow: Machine) -> None:
    mailcow.wait_for_unit("mailcow-provision.service")
    healthy(mailcow)


def test_a_mailbox_has_the_password_that_agenix_laid(mailcow: Machine) -> None:
    mailcow.succeed("sh -s", stdin=OUTSIDE)
    alice = "alice@example.org her-first-password"
    post(mailcow, "192.0.2.1", "587", "alice@example.org", "alice@example.org", alice, where=INTERNET)
    assert "Subject: hello" in mailcow.wait_until_succeeds(f"{INTERNET} {READ} 192.0.2.1 {alice}", SOON)


def test_mailcow_relays_for_nobody(mailcow: Machine) -> None:
    said = refused(mailcow, "192.0.2.1", "25", "bob@example.net", "carol@example.com", where=INTERNET)
    assert "Relay access denied" in said


def test_mailcow_sees_who_is_there(mailcow: Machine) -> None:
    """The client's own address, not the bridge's: no proxy of Docker's stood between."""
    log = mailcow.succeed("docker logs mailcowdockerized-postfix-mailcow-1 2>&1")
    assert "connect from unknown[198.51.100.2]" in log
    assert "connect from unknown[172.22.1.1]" not in log


def test_mailcows_secrets_are_for_root_alone(mailcow: Machine) -> None:
    assert modes(mailcow, "/var/lib/mailcow/mailcow.conf") == ["root:root 600"]
    assert mailcow.succeed("grep -E '^(DBPASS|DBROOT|REDISPASS)=' /var/lib/mailcow/mailcow.conf").split() == [
        "DBPASS=adatabasepassword",
        "DBROOT=anotherdatabasepassword",
        "REDISPASS=aredispassword",
    ]


def test_mailcow_is_open_where_it_was_asked_to_be_and_nowhere_else(mailcow: Machine) -> None:
    outside = mailcow.succeed("ss -Hltn | awk '{print $4}' | grep -vE '^(127\\.|\\[::1\\])'").split()
    assert sorted(outside) == sorted(f"192.0.2.1:{port}" for port in (25, 80, 443, 465, 587, 993))


# an emitted machine beside what is its owner's


def test_an_emitted_machine_beside_its_owners_services_boots_without_a_failed_unit(proxy: Machine) -> None:
    healthy(proxy)


def test_a_tunnel_has_the_key_that_sops_laid_by_a_unit(proxy: Machine) -> None:
    laid = proxy.succeed("wg pubkey </run/secrets/network.wireguard.private.wg0")
    assert proxy.succeed("wg show wg0 public-key") == laid
    assert proxy.succeed("wg show wg0 peers").strip() == proxy.succeed("cat /run/secrets/network.wireguard.public.wg0")


def test_its_owners_sites_ports_and_containers_are_reached_and_no_more(proxy: Machine) -> None:
    proxy.succeed("sh -s", stdin=OUTSIDE)
    assert [port for port in (22, 25, 80, 443, 2526, 8000, 8090, 8443, 8444) if answers(proxy, port)] == [
        *(22, 25, 80, 443),
        *(8090, 8443),
    ]
    site = f"{INTERNET} curl -sk --resolve '*:80:198.51.100.1' --resolve '*:443:198.51.100.1'"
    assert proxy.succeed(f"{site} http://blog.example.net") == "the blog"
    assert proxy.succeed(f"{site} https://shop.example.net") == "the shop"
    assert "hostname" in proxy.succeed(f"{INTERNET} curl -s http://198.51.100.1:8090")
    assert "counter packets 0" not in proxy.succeed("nft list table inet own")


def test_a_container_of_its_owners_reaches_the_internet(proxy: Machine) -> None:
    proxy.succeed(f"{INTERNET} sh -c '{PYTHON} -m http.server 8080 --bind 198.51.100.2 >/dev/null 2>&1 &'")
    asked = 'import urllib.request as r; r.urlopen(\\"http://198.51.100.2:8080\\", timeout=20)'
    proxy.wait_until_succeeds(f'docker exec web /usr/bin/python3 -c "{asked}"', SOON)


def test_a_container_does_not_close_what_mailnix_forwards(proxy: Machine) -> None:
    proxy.execute(f"{INTERNET} timeout 5 bash -c ': </dev/tcp/198.51.100.1/465'")
    forwarded = proxy.succeed("nft list chain inet mailnix forward | grep 'oifname \"wg0\" ip daddr'")
    assert "packets 0" not in forwarded
    # Nobody is at the other end: what was let through ended in the tunnel, which has no way to send it.
    lost = proxy.succeed("cat /sys/class/net/wg0/statistics/tx_errors /sys/class/net/wg0/statistics/tx_dropped")
    assert sum(map(int, lost.split())) > 0


def test_a_reload_of_the_firewall_leaves_dockers_tables(proxy: Machine) -> None:
    proxy.succeed("systemctl reload nftables.service")
    assert "DOCKER" in proxy.succeed("nft list table ip nat")
    assert answers(proxy, 8090)
