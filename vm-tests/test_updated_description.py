"""A changed description on machines that run, brought there as docs/howto/change.md says (the guest agent plays ssh).

It comes last: the machines are then no more what the plan says.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Topology, pipeline
from mailnix.formats.backend import Backend
from mailnix.lab.machine import Machine
from mailnix.lab.scenario import Scene
from mailnix.model import ports
from mailnix.plan import derive

HOWTO = Path(__file__).parent.parent / "docs" / "howto" / "change.md"
LAY = "tar -x -C / --no-overwrite-dir && systemctl daemon-reload"
USE = "systemctl restart haraka-in haraka-out && systemctl reload caddy"
MAILCOWS = "Relay access denied"
"""What Mailcow's Postfix says of a domain that it does not know (here it was not told), and haraka-in never."""
PATIENCE = 180.0  # seconds in which nothing moves until Mailcow has been provisioned again


def lay(machine: Machine, topology: Topology, folder: Path, then: str = "") -> None:
    """Bring a machine the files of another description, and have it use them."""
    pipeline.emit(derive(topology), Backend.DEBIAN, folder)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(folder / machine.name / "root", ".", filter=owned_by_root)
    machine.succeed(" && ".join(filter(None, (LAY, then))), stdin=archive.getvalue(), timeout=PATIENCE)


def owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def answer_to(scene: Scene, recipient: str) -> dict[str, Any]:
    """What the proxy says to mail for somebody; code 0 while it does not answer."""
    lines = ["EHLO cafe.elsewhere.test", "MAIL FROM:<>", f"RCPT TO:<{recipient}>"]
    host = scene.proxy.hostname
    answer = scene.probe("smtp", scene.layout.client.ipv4, host=host, port=ports.SMTP, line=lines)
    replies: list[dict[str, Any]] = answer.get("replies") or [{"code": 0, "text": answer.get("error", "")}]
    return replies[-1]


@pytest.fixture
def topology(scene: Scene) -> Topology:
    return scene.plan.topology


def test_the_how_to_says_what_is_tested_here() -> None:
    assert LAY in HOWTO.read_text()
    assert USE in HOWTO.read_text()


def test_a_new_alias_gets_mail(lab: Any, scene: Scene, topology: Topology, tmp_path: Path) -> None:
    domain, *others = topology.domains
    address = f"newcomer@{domain.name}"
    assert answer_to(scene, address)["code"] == 550
    alias = Alias("newcomer", to=[domain.mailboxes[0].local_part])
    more = evolve(domain, aliases=(*domain.aliases, alias))
    lay(lab.machines[scene.plan.internal.name], evolve(topology, domains=(more, *others)), tmp_path)
    reply: dict[str, Any] = {}
    for _ in scene.wait(PATIENCE).attempts(patience=0.1):
        reply = answer_to(scene, address)
        if reply["code"] == 250:
            return
    pytest.fail(f"{address} gets no mail: {reply}")


def test_mail_for_a_new_domain_is_handed_to_mailcow(lab: Any, scene: Scene, topology: Topology, tmp_path: Path) -> None:
    address = "somebody@newcomer.example"
    refusal = answer_to(scene, address)
    assert refusal["code"] == 550
    assert MAILCOWS not in refusal["text"]
    more = (*topology.domains, Domain("newcomer.example", mailboxes=["somebody"]))
    lay(lab.machines[scene.proxy.name], evolve(topology, domains=more), tmp_path, then=USE)
    reply: dict[str, Any] = {}
    for _ in scene.wait(PATIENCE).attempts(patience=0.1):
        reply = answer_to(scene, address)
        if MAILCOWS in reply["text"]:
            return
    pytest.fail(f"the proxy still answers for itself: {reply}")
