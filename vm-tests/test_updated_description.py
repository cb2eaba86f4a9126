"""A changed description on machines that run: its files are laid by the guest agent, and what reads them is restarted.

Deploys of it are in tests/deploy and vm-tests/servers.

It comes last: the machines are then no more what the plan says.
"""

from __future__ import annotations

import io
import re
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from mailnix import Alias, AppPassword, Domain, Mailbox, Topology, pipeline, secrets
from mailnix.formats.backend import Backend
from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.lab import Lab
from mailnix.lab.machine import Machine
from mailnix.lab.scenario import Outcome, Scene, Verdict, checks_for, run_checks, stage
from mailnix.model import ports
from mailnix.plan import derive, with_keys
from mailnix.services.mailcow.units import PROVISION
from tests.lab.answers import answer_to

LAY = "tar -x -C / --no-overwrite-dir && systemctl daemon-reload"
USE = "systemctl restart haraka-in haraka-out && systemctl reload caddy"
MAILCOWS = "Relay access denied"
"""What Mailcow's Postfix says of a domain that it does not know (here it was not told), and haraka-in never."""
PATIENCE = 180.0  # seconds in which nothing moves until Mailcow has been provisioned again
MIRROR = "mirror.example"
DESCRIBED = (
    *("catch-all", "discarded", "mirror", "archive", "archive-closed", "protocols", "app-passwords"),
    *("forwarded", "handed-on", "send-as"),
)
"""The checks that the description with more addresses brings, of what the first one has nothing of."""


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


@pytest.fixture
def topology(scene: Scene) -> Topology:
    return scene.plan.topology


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


def with_more_addresses(topology: Topology, outside: str) -> Topology:
    """The running description, with all that one can say of addresses; no name in it is new to the lab's DNS."""
    first, second = topology.domains
    alice, bob = first.mailboxes
    described = (
        evolve(alice, send_as=[f"@{second.name}"]),
        evolve(bob, forward_to=[outside]),
        Mailbox("scanner", protocols=["smtp"], app_passwords=[AppPassword("copier", protocols=["smtp"])]),
        Mailbox("frank", state="archived"),
        Mailbox("dan", state="archived", forward_to=["alice"], keep_copy=False),
        Mailbox("erin", state="inactive"),
    )
    aliases = (*first.aliases, Alias("noreply", discard=True), Alias("band", to=["alice", outside]))
    mirror = Domain(MIRROR, alias_of=first.name)
    catching = evolve(second, catch_all=[second.mailboxes[0].local_part])
    return evolve(topology, domains=(evolve(first, mailboxes=described, aliases=aliases), catching, mirror))


@pytest.fixture(scope="module")
def brought(lab: Lab, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The machines, brought to that description; passwords and keys of what is new were made and handed over."""
    work = tmp_path_factory.mktemp("addresses")
    topology = with_more_addresses(scene.plan.topology, scene.layout.mailbox("carol"))
    credentials = Path(shutil.copytree(lab.secrets, work / "secrets"))
    secrets.init(derive(topology), credentials)
    plan = with_keys(derive(topology), secrets.public_keys(credentials))
    home, since = lab.machines[plan.internal.name], scene.moment()
    for path in sorted((credentials / plan.internal.name).iterdir()):
        home.write_file(f"/etc/credstore/{path.name}", path.read_bytes(), mode=0o600)
    proxy = lab.machines[scene.proxy.name]
    lay(proxy, topology, work / "proxy", then=USE)
    lay(home, topology, work / "home")
    # In the lab's DNS, which is signed, there is no such domain.
    mx = f"inline:{{ {MIRROR}=smtp:[{scene.proxy.hostname}] }}"
    lab.machines[INTERNET].succeed(f"postconf -e 'transport_maps = {mx}' && postfix reload")
    provisioned(scene, since)
    # What Mailcow could not hand over meanwhile would wait for minutes.
    for port in (ports.SMTP, ports.RELAY):
        proxy.wait_until_succeeds(f"ss -Hltn sport = :{port} | grep -q .", PATIENCE)
    return stage(Lab(plan, lab.layout, lab.machines, credentials, lab.state_dir))


def provisioned(scene: Scene, since: str) -> None:
    """Wait until Mailcow has been brought to what is described, and has refused nothing."""
    log = f"journalctl --unit={PROVISION} --since=@{since} --output=cat --no-pager"
    said = scene.wait_for("provisioning", lambda: re.findall(r"\d+ changes, .*", scene.internal.succeed(log)), PATIENCE)
    assert said[-1].endswith(" 0 refused"), scene.internal.succeed(log)


@pytest.fixture(scope="module")
def outcomes(brought: Scene) -> Mapping[str, Outcome]:
    """What came of the checks, which run beside each other as in a lab."""
    checks = [check for check in checks_for(brought.plan) if check.id in DESCRIBED]
    report = run_checks(checks, brought, lambda outcome: print(f"{outcome.id}: {outcome.evidence}"), begun=0.0)
    return {outcome.id: outcome for outcome in report.outcomes}


@pytest.mark.parametrize("check", DESCRIBED)
def test_mail_and_logins_are_as_the_description_with_more_addresses_says(
    outcomes: Mapping[str, Outcome], check: str
) -> None:
    assert outcomes[check].verdict is Verdict.PASS, outcomes[check].evidence
