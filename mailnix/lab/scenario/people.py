"""People and their programs: who gets in where, by which password, and who writes as whom."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from mailnix.lab.internet import mail as remote
from mailnix.lab.internet.layout import layout
from mailnix.lab.scenario.addresses import first_of_each, without_login
from mailnix.lab.scenario.ends import Owned, may_write_as, owned
from mailnix.lab.scenario.evidence import code_of, require
from mailnix.lab.scenario.mails import parsed
from mailnix.lab.scenario.offers import can_send, knows_password
from mailnix.lab.scenario.scene import DELIVERY, DOVECOT, Answer, Scene
from mailnix.lab.scenario.web import page
from mailnix.model.clientport import ClientPort
from mailnix.model.mail import EVERYWHERE, AppPassword, Protocol, State, app_password_entry, sender_of
from mailnix.plan.types import Address, Plan

NOT_OWNED = "not owned by user"  # Postfix's words (smtpd_check.c) for reject_sender_login_mismatch


@frozen
class Writer:
    """A mailbox whose owner may write as a sender, and one whose owner may not, where there is one."""

    box: Owned
    sender: str
    other: Owned | None


def limited(plan: Plan) -> list[Owned]:
    """Mailboxes that open by some protocols only, whose password the lab knows; those that open any here first."""
    boxes = [box for box in _known(plan) if box.mailbox.protocols and plan.internal.client_ports]
    return sorted(boxes, key=lambda box: not _opens_any(plan, box.mailbox.protocols))


def programs(plan: Plan) -> list[tuple[Owned, AppPassword]]:
    """Passwords for single programs; those that open any service here first."""
    boxes = [box for box in owned(plan.topology) if box.mailbox.state is State.ACTIVE and plan.internal.client_ports]
    apps = [(box, app) for box in boxes for app in box.mailbox.app_passwords]
    return sorted(apps, key=lambda each: not _opens_any(plan, each[1].protocols))


def _opens_any(plan: Plan, protocols: Iterable[Protocol]) -> bool:
    """Whether these let anybody in to a service that is offered; else a check sees closed doors alone."""
    return any(client.speaks in {*protocols} for client in plan.internal.client_ports)


def archives(plan: Plan) -> list[Owned]:
    """Mailboxes that let nobody in, whose password the lab knows."""
    return [box for box in without_login(plan) if knows_password(box.mailbox) and plan.internal.client_ports]


def writers(plan: Plan) -> list[Writer]:
    """Who may write as somebody else, and as whom."""
    boxes = [box for box in _known(plan) if can_send(plan) and _may(box, Protocol.SMTP)]
    found = []
    for box in (box for box in boxes if box.mailbox.send_as):
        sender = _sender(plan, box)
        others = (other for other in boxes if not may_write_as(plan.topology, other, sender))
        found.append(Writer(box, sender, next(others, None)))
    return found


def _known(plan: Plan) -> list[Owned]:
    boxes = owned(plan.topology)
    return [box for box in boxes if box.mailbox.state is State.ACTIVE and knows_password(box.mailbox)]


def _may(box: Owned, protocol: Protocol) -> bool:
    return not box.mailbox.protocols or protocol in box.mailbox.protocols


def _sender(plan: Plan, box: Owned) -> str:
    """An address that the first entry of a mailbox's `send_as` stands for."""
    entry = sender_of(box.mailbox.send_as[0], box.domain.name)
    entry = f"@{plan.topology.domains[0].name}" if entry == EVERYWHERE else entry
    return f"somebody-else{entry}" if entry.startswith("@") else entry


def services_let_their_owners_in(scene: Scene) -> str:
    """Each service of mail programs takes the password of a mailbox, over TLS that is verified."""
    ports = scene.plan.internal.client_ports
    answers = _log_in(scene, scene.layout.client.ipv4, ports, scene.user)
    for client, answer in zip(ports, answers, strict=True):
        require(answer["ok"], f"{scene.user} does not get in by {client.name}", answer)
    return ", ".join(
        f"{client.name}: {answer['tls']['version']}" for client, answer in zip(ports, answers, strict=True)
    )


def nobody_gets_in_to_an_archive(scene: Scene) -> str:
    """The password of a mailbox that is archived, or inactive, opens nothing."""
    ports = scene.plan.internal.client_ports[-1:]
    boxes = first_of_each(archives(scene.plan), lambda box: box.mailbox.state)
    for box in boxes:
        _opens_what_it_should(scene, box.address, ports, ())
    return f"closed: {', '.join(box.address for box in boxes)}"


def protocols_are_as_described(scene: Scene) -> str:
    """A mailbox that is described with some protocols opens by these, and by no other."""
    box = limited(scene.plan)[0]
    return _opens_what_it_should(scene, box.address, scene.plan.internal.client_ports, box.mailbox.protocols)


def app_passwords_open_what_they_should(scene: Scene) -> str:
    """A password for one program opens the protocols that it is for, and no other."""
    box, app = programs(scene.plan)[0]
    entry = app_password_entry(box.address, app.name)
    return _opens_what_it_should(scene, box.address, scene.plan.internal.client_ports, app.protocols, secret=entry)


def _opens_what_it_should(
    scene: Scene, login: str, ports: Iterable[ClientPort], protocols: Iterable[Protocol], secret: str = ""
) -> str:
    ports, protocols = tuple(ports), tuple(protocols)
    for client, answer in zip(
        ports, _log_in(scene, scene.layout.client.ipv4, ports, login, secret=secret), strict=True
    ):
        require("said" in answer, f"{client.name} was not tried", answer)
        wanted = client.speaks in protocols
        message = "opens" if answer["ok"] else "does not open"
        require(answer["ok"] == wanted, f"the password of {secret or login} {message} {client.name}", answer)
    return f"{secret or login}: {', '.join(protocols) or 'nothing'}, of {', '.join(client.name for client in ports)}"


def _log_in(scene: Scene, source: Address, ports: Iterable[ClientPort], login: str, **options: object) -> list[Answer]:
    answer = scene.logins("logins", source, ports, timeout=DELIVERY, login=login, **options)
    require("answers" in answer, f"logging in as {login}", answer)
    found: list[Answer] = answer["answers"]
    return found


def senders_are_as_described(scene: Scene) -> str:
    """Who may write as another address does, and it arrives as that; who may not is refused."""
    writer = writers(scene.plan)[0]
    token, carol = scene.token("as"), scene.layout.mailbox(remote.CAROL)
    answer = _submit(scene, writer.box, writer.sender, token)
    require(answer["ok"], f"{writer.box.address} may not write as {writer.sender}", answer)
    box = scene.post("inbox", timeout=DELIVERY, mailbox=carol, token=token)
    require(box["count"] == 1, f"{box['count']} copies reached {carol} instead of one")
    seen = str(parsed(box["messages"][0])["From"])
    require(seen == writer.sender, f"{carol} sees another sender", seen)
    said = f"{writer.box.address} as {writer.sender}"
    if writer.other is None:
        return said
    refused = _submit(scene, writer.other, writer.sender, scene.token("not"))
    error = str(refused.get("error", ""))
    require(not refused["ok"] and NOT_OWNED in error, f"{writer.other.address} wrote as {writer.sender}", refused)
    return f"{said}; {writer.other.address} not: {code_of(error)}"


def _submit(scene: Scene, box: Owned, sender: str, token: str) -> Answer:
    source, to = scene.layout.client.ipv4, scene.layout.mailbox(remote.CAROL)
    where = scene.dial(scene.sender)
    return scene.probe("submit", source, **where, login=box.address, sender=sender, to=to, token=token)


def home_clients(plan: Plan) -> bool:
    """Whether mail programs at home may come to Mailcow directly, where the lab's are."""
    here = layout(plan).home.gateway4
    return bool(plan.internal.client_ports) and any(here in network for network in plan.internal.lan_client_networks)


def programs_at_home_come_directly(scene: Scene) -> str:
    """A mail program and a browser in the home network reach Mailcow at its own address, by the name that all use."""
    home, ports, since = scene.layout.home, scene.plan.internal.client_ports, scene.moment()
    answers = _log_in(scene, home.gateway4, ports, scene.user, connect=home.host4)
    for client, answer in zip(ports, answers, strict=True):
        require(answer["ok"], f"{client.name} at {home.host4}", answer)
    if any(client.container == DOVECOT for client in ports):
        log = scene.mailcow_log(DOVECOT, since)
        require(f"rip={home.gateway4}," in log, f"Mailcow saw another than {home.gateway4}", log[-800:])
    web = page(scene, scene.plan.topology.hostname, source=home.gateway4, connect=home.host4)
    require(web["tls"]["sha256"] == answers[0]["tls"]["sha256"], "the web at home has another certificate", web["tls"])
    return f"{home.gateway4} to {home.host4}: {', '.join(client.name for client in ports)}, {web['status']}"
