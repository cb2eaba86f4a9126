"""Which machines can be changed, and what is said of those that cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attrs import evolve

from mailnix.deploy.probe import SCRIPT, Listens, Probe, in_the_way, read, refuse, refuse_taken, taken_over
from mailnix.errors import DeployError
from mailnix.formats.backend import Backend
from mailnix.plan import derive
from mailnix.plan.types import Transport
from mailnix.run import run
from mailnix.ssh import Way
from tests.deploy.machines import PLAIN
from tests.descriptions import sound

PLAN = derive(sound())
PROXY = PLAN.host("proxy")
WAY = Way("root@5.9.100.1")
SAID = """\
Welcome to Debian!
os=debian version=13 name=Debian GNU/Linux 13 (trixie)
host=srv1234
arch=amd64
root=yes
sudo=sudo -n
program=
account=debian (sudo)
account=bob
listens=LISTEN 0      20         127.0.0.1:25        0.0.0.0:*    users:(("exim4",pid=812,fd=4))
listens=LISTEN 0      511          0.0.0.0:80        0.0.0.0:*    users:(("nginx",pid=900,fd=6),("nginx",pid=899,fd=6))
listens=LISTEN 0      128             [::]:22           [::]:*    users:(("sshd",pid=700,fd=4))
listens=LISTEN 0      4096   127.0.0.53%lo:53        0.0.0.0:*    users:(("systemd-resolve",pid=330,fd=15))
"""


def test_a_server_is_read_between_the_lines_of_its_greeting() -> None:
    found = read(SAID)
    assert found == Probe(
        "debian", "13", "Debian GNU/Linux 13 (trixie)", "srv1234", "amd64", True, True, "", False,
        (Listens(80, "nginx"), Listens(22, "sshd")), accounts=("debian (sudo)", "bob"),
    )  # fmt: skip
    assert not found.is_ours


def test_the_script_says_of_this_machine_what_is_read() -> None:
    found = read(run(["sh", "-s"], stdin=SCRIPT.encode()).stdout)
    assert found.os
    assert found.host
    assert found.architecture


def refused(found: Probe, wanted: Backend | None = None) -> DeployError:
    with pytest.raises(DeployError) as caught:
        refuse(found, PROXY, WAY, wanted, "what nixos-anywhere is called with")
    return caught.value


def test_who_keeps_his_keys_is_named_before_it_is_taken_over() -> None:
    assert "these accounts keep their keys: debian (sudo), bob" in taken_over(read(SAID), PROXY, WAY)
    assert "accounts" not in taken_over(PLAIN, PROXY, WAY)


def test_a_plain_debian_13_is_taken() -> None:
    refuse(PLAIN, PROXY, WAY, None, "")


def test_an_older_debian_is_named_with_its_way_up() -> None:
    error = refused(evolve(PLAIN, version="12", name="Debian GNU/Linux 12 (bookworm)"))
    assert error.message == "proxy (root@5.9.100.1) runs Debian GNU/Linux 12 (bookworm); it must be Debian 13, or NixOS"
    assert "upgrade it" in error.hint


def test_another_system_is_named() -> None:
    error = refused(evolve(PLAIN, os="ubuntu", version="24.04", name="Ubuntu 24.04.1 LTS"))
    assert "runs Ubuntu 24.04.1 LTS" in error.message
    assert "upgrade" not in error.hint


NIXOS = evolve(PLAIN, os="nixos", version="26.11", name="NixOS 26.11", architecture="x86_64")


def test_nixos_keeps_generations_by_itself_and_has_no_ports_in_the_way() -> None:
    refuse(NIXOS, PROXY, WAY, None, "")
    refuse(NIXOS, PROXY, WAY, Backend.NIXOS, "")
    refuse_taken(evolve(NIXOS, listens=(Listens(25, "postfix"),)), PROXY, WAY)
    assert NIXOS.has_program


@pytest.mark.parametrize(("said", "trusted"), [("sudo=sudo -n\n", False), ("sudo=sudo -n\ntrusted=yes\n", True)])
def test_nixos_says_whether_its_nix_trusts_who_logged_in(said: str, *, trusted: bool) -> None:
    found = read(f"os=nixos version=26.11 name=NixOS 26.11\nroot=yes\n{said}")
    assert (found.sudo, found.trusted) == (True, trusted)


def test_another_system_than_the_one_that_is_said_is_refused() -> None:
    assert "runs NixOS" in refused(NIXOS, Backend.DEBIAN).message
    assert refused(PLAIN, Backend.NIXOS).hint == "what nixos-anywhere is called with"


def test_nixos_on_another_processor_is_refused() -> None:
    assert "aarch64" in refused(evolve(NIXOS, architecture="aarch64")).message


def test_another_processor_is_refused() -> None:
    assert "arm64" in refused(evolve(PLAIN, architecture="arm64")).message


def test_who_is_not_root_and_cannot_be_is_told_how() -> None:
    error = refused(evolve(PLAIN, is_root=False, sudo=True))
    assert "neither root nor allowed" in error.message
    assert "NOPASSWD" in error.hint


def test_an_image_of_this_machine_is_ours() -> None:
    image = evolve(PLAIN, image=True, host="proxy")
    refuse(image, PROXY, WAY, None, "")
    assert image.is_ours


def test_who_has_caddy_already_may_keep_it() -> None:
    assert in_the_way(evolve(PLAIN, listens=(Listens(80, "caddy"), Listens(25, "caddy"))), PROXY) == (
        Listens(25, "caddy"),
    )


def test_programs_on_our_ports_are_in_the_way_sshd_is_not() -> None:
    found = evolve(PLAIN, listens=(Listens(22, "sshd"), Listens(80, "nginx"), Listens(3306, "mariadbd")))
    assert in_the_way(found, PROXY) == (Listens(80, "nginx"),)
    with pytest.raises(DeployError, match=r"80 \(nginx\)"):
        refuse_taken(found, PROXY, WAY)


def test_a_firewall_of_the_servers_own_is_named_with_what_to_do() -> None:
    found = read(f"{SAID}firewall=ufw\n")
    assert found.firewalls == ("ufw",)
    with pytest.raises(DeployError, match="has a firewall of its own: ufw") as caught:
        refuse_taken(found, PROXY, WAY)
    assert caught.value.hint == "remove it first: apt purge ufw"


STUB = "#!/bin/sh\n{}\n"
"""For PATH: what a program of the server says."""

CLOSED = """\
table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\ttcp dport 22 accept
\t}
}
"""
OPEN = """\
table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy accept;
\t}
\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t}
}
table inet f2b-table {
\tchain f2b-chain {
\t\ttype filter hook input priority filter - 1; policy accept;
\t\ttcp dport 22 ip saddr @addr-set-sshd reject with icmp port-unreachable
\t}
}
"""


def probed(folder: Path, **programs: str) -> Probe:
    """What is read of this machine where these programs are others'."""
    for name, text in {"sudo": 'shift; exec "$@"', "systemctl": "exit 3", "ss": "", "nft": "", **programs}.items():
        (folder / name).write_text(STUB.format(text))
        (folder / name).chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return read(run(["env", f"PATH={path}", "sh", "-s"], stdin=SCRIPT.encode()).stdout)


def shows(text: str) -> str:
    return f"cat << 'END'\n{text}END"


def test_rules_that_somebody_loaded_are_a_firewall_too(tmp_path: Path) -> None:
    found = probed(tmp_path, nft=shows(CLOSED))
    assert found.firewalls == ("nftables",)
    with pytest.raises(DeployError, match="has a firewall of its own: nftables") as caught:
        refuse_taken(found, PROXY, WAY)
    assert caught.value.hint == "remove it first: systemctl disable --now nftables; nft flush ruleset"


def test_rules_that_close_nothing_are_none(tmp_path: Path) -> None:
    assert probed(tmp_path, nft=shows(OPEN)).firewalls == ()


def test_a_firewall_that_has_a_name_is_called_by_it_alone(tmp_path: Path) -> None:
    active = 'for unit; do :; done; [ "$unit" = netfilter-persistent ]'
    found = probed(tmp_path, nft=shows(CLOSED), systemctl=active)
    assert found.firewalls == ("netfilter-persistent",)
    with pytest.raises(DeployError) as caught:
        refuse_taken(found, PROXY, WAY)
    assert caught.value.hint.endswith("netfilter-persistent flush; apt purge netfilter-persistent")


def test_another_wireguard_on_the_tunnels_port_is_in_the_way(tmp_path: Path) -> None:
    said = "UNCONN 0 0 0.0.0.0:51820 0.0.0.0:*\nUNCONN 0 0 127.0.0.1:323 0.0.0.0:*\n"
    asked = f'[ "$1" != -Hlunp ] || {shows(said)}'
    found = probed(tmp_path, ss=asked)
    assert found.listens == (Listens(51820, "the kernel: another WireGuard", Transport.UDP),)
    with pytest.raises(DeployError, match=r"51820 \(the kernel: another WireGuard\)") as caught:
        refuse_taken(found, PROXY, WAY)
    assert "Tunnel(port=" in caught.value.hint


def test_a_port_of_tcp_is_not_one_of_udp() -> None:
    assert in_the_way(evolve(PLAIN, listens=(Listens(25, "x", Transport.UDP), Listens(51820, "y"))), PROXY) == ()
