"""Mail from the internet: delivered over verified TLS, readable, and with the sender's own address all the way."""

from __future__ import annotations

from mailnix.lab.internet import mail as remote
from mailnix.lab.scenario.evidence import code_of, require
from mailnix.lab.scenario.mails import Received, address_of, client_lines, received
from mailnix.lab.scenario.offers import knows_strangers, readers
from mailnix.lab.scenario.scene import DELIVERY, Scene


def arrives_over_ipv4(scene: Scene) -> str:
    """The internet's mail server finds the MX, verifies its certificate, delivers over IPv4."""
    return _arrives(scene, 4)


def arrives_over_ipv6(scene: Scene) -> str:
    """Likewise over IPv6."""
    return _arrives(scene, 6)


def _arrives(scene: Scene, version: int) -> str:
    mail = received(scene, version)
    relay = address_of(mail.fate["relay"])
    ours = {a for proxy in scene.plan.proxies for a in (proxy.ipv4, proxy.ipv6) if a is not None}
    require(relay in ours and relay is not None, "delivered to a stranger", mail.fate["relay"])
    assert relay is not None
    require(relay.version == version, f"not delivered over IPv{version}", mail.fate["relay"])
    tls = mail.fate["tls"]
    require(tls.startswith("Verified TLS connection"), "TLS of the delivery was not verified", tls or "no TLS")
    version_of_tls = tls.rsplit(": ", 1)[-1].split(" with", 1)[0]
    return f"{code_of(mail.fate['said'])} from {mail.fate['relay']}, {version_of_tls} verified"


def is_read_by_a_program(scene: Scene) -> str:
    """The mail is read through the proxy, by the best service that is offered, over TLS that is verified."""
    mail, service = received(scene, 4), readers(scene.plan)[0].name
    require(scene.plan.topology.hostname in mail.tls["names"], "the certificate has other names", mail.tls["names"])
    return f"{scene.user} by {service}, {mail.tls['version']}, certificate of {', '.join(mail.tls['names'])}"


def mailcow_sees_the_sender_over_ipv4(scene: Scene) -> str:
    """Mailcow's Postfix logged the sender's own address, and put its HELO name into the message."""
    return saw_sender(scene, received(scene, 4))


def mailcow_sees_the_sender_over_ipv6(scene: Scene) -> str:
    """Likewise over IPv6."""
    return saw_sender(scene, received(scene, 6))


def saw_sender(scene: Scene, mail: Received) -> str:
    """That Mailcow knew who sent a mail, in its log and in the message; raises CheckFailed."""
    clients = client_lines(mail.log, mail.token)
    require(clients, "Mailcow's Postfix logged no client for the mail", mail.log[-800:])
    seen = address_of(clients[0].split("client=", 1)[1])
    require(seen == mail.source, f"Mailcow logged another client than {mail.source}", clients[0])
    name = scene.layout.mx.name
    # The topmost Received header that Mailcow's own smtpd wrote names HELO, name and address.
    hops = [hop for hop in mail.message.get_all("Received", []) if f"from {name} " in hop and str(mail.source) in hop]
    require(hops, f"no Received header names {name} and {mail.source}", mail.message.get_all("Received"))
    require(f"client={name}[" in clients[0], "the client's confirmed name was lost", clients[0])
    return f"client={name}[{seen}], HELO {name}"


def unknown_recipient_is_refused_alone(scene: Scene) -> str:
    """One message to a mailbox and to nobody: 550 for nobody at RCPT, delivered to the mailbox."""
    token, user = scene.token("mixed"), knows_strangers(scene.plan)[0]
    nobody = f"nobody-{token}@{user.rpartition('@')[2]}"
    sender = scene.layout.mailbox(remote.CAROL)
    answer = scene.post("send", timeout=DELIVERY, sender=sender, to=[user, nobody], token=token)
    good, bad = (answer["recipients"].get(to, {}) for to in (user, nobody))
    require(good.get("status") == "sent", f"{user} did not get the mail", answer)
    require(bad.get("status") == "bounced", f"{nobody} was not refused", answer)
    said = bad["said"]
    require("550" in said and "in reply to RCPT TO" in said, "not refused with 550 at RCPT", said)
    box = scene.fetched(user, token)
    require(box["count"] == 1, f"{user} has {box['count']} copies")
    return f"{user}: {code_of(good['said'])}; unknown: {code_of(said[said.index('550') :])} at RCPT"
