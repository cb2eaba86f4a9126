"""The mails that checks look at: sent once, then looked at from several sides."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Any

from attrs import frozen

from mailnix.lab.internet import mail as remote
from mailnix.lab.scenario.evidence import require
from mailnix.lab.scenario.scene import DELIVERY, POSTFIX, Scene
from mailnix.plan.types import Address


@frozen
class Received:
    """A mail from the internet's mail server to a mailbox of ours: what its log said, and the message as fetched."""

    token: str
    source: Address
    fate: dict[str, Any]
    tls: dict[str, Any]
    message: EmailMessage
    log: str


@frozen
class Sent:
    """A mail submitted by a client in the internet to a mailbox there: the message as it arrived, and Mailcow's log."""

    token: str
    sender: str
    source: Address
    message: EmailMessage
    raw: str
    log: str


def parsed(raw: str) -> EmailMessage:
    """A message, for its headers."""
    return email.message_from_string(raw, policy=email.policy.default)


def received(scene: Scene, version: int) -> Received:
    """The mail that came in over IPv4 or IPv6."""
    return scene.remember(f"received-{version}", lambda: receive(scene, version))


def sent(scene: Scene, service: str, sender: str | None = None, *, version: int = 4) -> Sent:
    """The mail that was submitted on a service's port by a sender (the first user, where none is given)."""
    user = sender or scene.user
    return scene.remember(f"sent-{service}-{user}-{version}", lambda: send(scene, service, user, version=version))


def address_of(text: str) -> Address | None:
    """The address in `name[address]:port`, as Postfix writes it."""
    found = re.search(r"\[(?:IPv6:)?([0-9a-fA-F.:]+)\]", text)
    return ip_address(found[1]) if found else None


def internal_addresses(scene: Scene, text: str) -> tuple[str, ...]:
    """Every address in a text that nobody outside should know: of the tunnel, of Docker, of the home network."""
    home = scene.layout.home
    networks = (scene.plan.tunnel4, scene.plan.tunnel6, home.net4, *((home.net6,) if home.net6 else ()))
    docker = (scene.plan.internal.docker_subnet, scene.plan.internal.docker_subnet6)
    found = set()
    for word in re.findall(r"[0-9a-fA-F:]*[.:][0-9a-fA-F.:]+", text.replace("IPv6:", " ")):  # RFC 5321 4.1.3
        try:
            address = ip_address(word.strip(".:") if "." in word else word)
        except ValueError:
            continue
        if any(address in network for network in (*networks, *docker)):
            found.add(str(address))
    return tuple(sorted(found))


def receive(scene: Scene, version: int, *, via: Address | None = None) -> Received:
    """Have a new mail sent to us over IPv4 or IPv6, and fetch it (`via`: by this address of a proxy)."""
    token, user, since = scene.token(f"in{version}"), scene.user, scene.moment()
    sender = scene.layout.mailbox(remote.CAROL if version == 4 else remote.SIXTEN)
    source = scene.layout.mx.ipv4 if version == 4 else scene.layout.mx.ipv6
    answer = scene.post("send", timeout=DELIVERY, sender=sender, to=user, token=token)
    fate = answer["recipients"].get(user, {})
    require(fate.get("status") == "sent", f"the internet's mail server could not deliver to {user}", fate or answer)
    box = scene.fetched(user, token, via=via)
    require(box["count"] == 1, f"{user} has {box['count']} copies of the mail instead of one")
    assert source is not None
    log = scene.mailcow_log(POSTFIX, since)
    return Received(token, source, fate, box.get("tls", {}), parsed(box["messages"][0]), log)


def send(scene: Scene, service: str, user: str, *, version: int = 4, via: Address | None = None) -> Sent:
    """Submit a new mail over IPv4 or IPv6 (`via`: by this address of a proxy), and wait until it is there."""
    token, since = scene.token(f"out-{service}"), scene.moment()
    client = scene.layout.client
    source = client.ipv4 if version == 4 else client.ipv6
    assert source is not None
    carol = scene.layout.mailbox(remote.CAROL)
    answer = scene.probe("submit", source, **scene.dial(service), connect=via, login=user, to=carol, token=token)
    require(answer["ok"], f"submitting on {scene.port(service)} as {user} from {source}", answer.get("error") or answer)
    box = scene.post("inbox", timeout=DELIVERY, mailbox=carol, token=token)
    require(box["count"] == 1, f"{box['count']} copies reached {carol} instead of one")
    raw = box["messages"][0]
    return Sent(token, user, source, parsed(raw), raw, scene.mailcow_log(POSTFIX, since))


def client_lines(log: str, token: str) -> tuple[str, ...]:
    """Mailcow's log lines that say which client a message came from (`<queue id>: client=…`)."""
    ids = set(re.findall(rf": ([0-9A-Za-z]+): message-id=<{re.escape(token)}@", log))
    return tuple(line for line in log.splitlines() if any(f": {queue_id}: client=" in line for queue_id in ids))
