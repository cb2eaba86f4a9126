"""Mailcow's resolver in a home network that takes port 53 or drops ping."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rrset
import pytest

from mailnix import Internal
from mailnix.formats.nixos_part import NixosPart
from mailnix.plan import InternalPlan, Plan, derive
from mailnix.run import run, spawn
from mailnix.services.mailcow.debian import SETTINGS, debian
from mailnix.services.mailcow.nixos import nixos
from mailnix.services.mailcow.render import CONF, UNBOUND, files
from mailnix.tree import Tree
from rig.waiting import free_net, until
from tests.services.conftest import tool, topology


def planned(**changed: Any) -> Plan:
    return derive(topology(internal=Internal("internal", **changed)))


def runnable(text: str, folder: Path, listen: str) -> Path:
    """The file as unbound can run here: other paths and addresses, no trust anchor, nothing else changed."""
    names = (
        "trusted-key.key",
        "root.hints",
        *(f"unbound_{end}.{kind}" for end in ("server", "control") for kind in ("key", "pem")),
    )
    for name in names:
        (folder / name).write_text(". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A 198.41.0.4\n")
    text = text.replace("/etc/unbound", str(folder)).replace("  auto-trust-anchor-file: trusted-key.key\n", "")
    text = text.replace("interface: 0.0.0.0", f"interface: {listen}").replace("  interface: ::0\n", "")
    text = text.replace("control-enable: yes", "control-enable: no").replace("/dev/console", str(folder / "said"))
    text = text.replace("username: unbound", 'username: ""\n  chroot: ""\n  pidfile: ""\n  do-not-query-localhost: no')
    path = folder / "unbound.conf"
    path.write_text(text)
    return path


@contextlib.contextmanager
def resolver(address: str) -> Iterator[list[str]]:
    """Somebody at port 53 who knows every name; gives what it is asked."""
    asked: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((address, 53))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    data, whom = udp.recvfrom(4096)
                    query = dns.message.from_wire(data)
                    answer = dns.message.make_response(query, recursion_available=True)
                    name = query.question[0].name
                    asked.append(name.to_text())
                    answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.53"))
                    udp.sendto(answer.to_wire(), whom)

        threading.Thread(target=serve, daemon=True).start()
        yield asked


def test_unbound_takes_the_file_and_asks_whom_it_names(tmp_path: Path) -> None:
    net = free_net()
    text = files(planned(forwarders=[f"{net}.1"]))[UNBOUND]
    path = runnable(text, tmp_path, f"{net}.2")
    assert run([tool("unbound-checkconf"), path], check=False).status == 0
    with resolver(f"{net}.1") as asked, spawn([tool("unbound"), "-d", "-c", path], tmp_path / "log"):
        query = dns.message.make_query("mail.example.net", "A")

        def answered() -> bool:
            with contextlib.suppress(OSError, dns.exception.Timeout):
                return "192.0.2.53" in dns.query.udp(query, f"{net}.2", timeout=2).to_text()
            return False

        until(answered, "unbound answers")
    assert "mail.example.net." in asked


def test_without_forwarders_mailcows_own_file_stays() -> None:
    assert UNBOUND not in files(planned())


def test_several_are_asked_of_both_families() -> None:
    text = files(planned(forwarders=["192.168.1.1", "fd00::53"]))[UNBOUND]
    assert [line.split()[1] for line in text.splitlines() if "forward-addr" in line] == ["192.168.1.1", "fd00::53"]


def test_only_containers_may_ask(plan: Plan) -> None:
    text = files(planned(forwarders=["192.168.1.1"]))[UNBOUND]
    allowed = [line.split()[1] for line in text.splitlines() if "access-control" in line]
    assert allowed == [str(plan.internal.docker_subnet), str(plan.internal.docker_subnet6)]


@pytest.mark.parametrize(("check", "skip"), [(True, "n"), (False, "y")])
def test_mailcow_waits_for_its_resolvers_check_unless_told_not_to(check: bool, skip: str) -> None:
    assert f"\nSKIP_UNBOUND_HEALTHCHECK={skip}\n" in files(planned(resolver_check=check))[CONF]


def test_both_systems_carry_the_file() -> None:
    plan = planned(forwarders=["192.168.1.1"], resolver_check=False)
    host: InternalPlan = plan.internal
    text = files(plan)[UNBOUND]
    assert Tree.of(debian(plan, host).entries).file(f"{SETTINGS}/{UNBOUND}").content == text
    part: NixosPart = nixos(plan, host)
    assert part.files["mailcow/unbound.conf"] == text
