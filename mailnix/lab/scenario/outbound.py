"""Mail from users to the internet: with their own address seen at home, and nothing of home seen outside."""

from __future__ import annotations

import re
from email.message import EmailMessage
from typing import Final

from mailnix.lab.internet import mail as remote
from mailnix.lab.scenario.evidence import code_of, require
from mailnix.lab.scenario.mails import Sent, address_of, client_lines, internal_addresses, sent
from mailnix.lab.scenario.offers import passes_spf, senders
from mailnix.lab.scenario.scene import DELIVERY, Scene
from mailnix.plan.types import ProxyPlan

JUDGED_DOMAINS: Final = 3
"""How many domains' signatures are looked at; more would only take time."""


def submission_keeps_the_client(scene: Scene) -> str:
    """Submitted on 587 with STARTTLS and AUTH; Mailcow saw the client's address."""
    return saw_client(sent(scene, "submission"))


def submissions_keeps_the_client(scene: Scene) -> str:
    """Submitted on 465 with TLS and AUTH; Mailcow saw the client's address."""
    return saw_client(sent(scene, "submissions"))


def submission_keeps_the_client_over_ipv6(scene: Scene) -> str:
    """Submitted by a client with an IPv6 address; Mailcow saw it."""
    return saw_client(sent(scene, scene.sender, version=6))


def saw_client(mail: Sent) -> str:
    """That Mailcow knew which client submitted a mail; raises CheckFailed."""
    clients = [line for line in client_lines(mail.log, mail.token) if "sasl_username=" in line]
    require(clients, "Mailcow logged no authenticated client for the mail", mail.log[-800:])
    seen = address_of(clients[0].split("client=", 1)[1])
    require(seen == mail.source, f"Mailcow logged another client than {mail.source}", clients[0])
    require(f"sasl_username={mail.sender}" in clients[0], "another user was logged", clients[0])
    who = clients[0].split("client=", 1)[1].split(",", 1)[0]
    return f"client={who}, logged in as {mail.sender}"


def leaves_from_the_proxy(scene: Scene) -> str:
    """The remote server saw the proxy's public address, and its name as EHLO and as PTR."""
    return left_from(sent(scene, scene.sender).message, scene.proxy)


def left_from(message: EmailMessage, proxy: ProxyPlan) -> str:
    """That a mail came from this proxy's address, by its name, over TLS; raises CheckFailed."""
    hop = " ".join(str(message.get_all("Received", [""])[0]).split())
    seen = address_of(hop.partition("(")[2])  # what EHLO said stands before it
    require(seen in (proxy.ipv4, proxy.ipv6), "it came from another address", hop)
    require(hop.startswith(f"from {proxy.hostname} ({proxy.hostname} ["), "EHLO or PTR is not the proxy's name", hop)
    require("with ESMTPS" in hop, "it came without TLS", hop)
    return hop[: hop.index("]") + 2]


def filters_pass(scene: Scene) -> str:
    """OpenDKIM and OpenDMARC outside say that SPF, DKIM and DMARC pass, for each domain."""
    said = []
    for user in scene.users[:JUDGED_DOMAINS]:
        mail = sent(scene, scene.sender, user)
        verdicts = judgement(mail.message, scene.layout.mx.name)
        for method in methods(spf=passes_spf(scene.plan)):
            require(verdicts.get(method) == "pass", f"{method} of {user} is {verdicts.get(method)}", _judged(mail))
        said.append(f"{user.rpartition('@')[2]}: " + ", ".join(f"{m} {v}" for m, v in sorted(verdicts.items())))
    return "; ".join(said)


def methods(*, spf: bool) -> tuple[str, ...]:
    """What must pass outside: SPF only where it can."""
    return ("spf", "dkim", "dmarc") if spf else ("dkim", "dmarc")


def judgement(message: EmailMessage, judge: str) -> dict[str, str]:
    """SPF, DKIM and DMARC results that `judge` wrote into Authentication-Results (RFC 8601)."""
    found: dict[str, str] = {}
    for header in map(str, message.get_all("Authentication-Results", [])):
        if header.split(";", 1)[0].strip() == judge:
            for method, result in re.findall(r"\b(spf|dkim|dmarc)=(\w+)", header):
                found.setdefault(method, result)
    return found


def _judged(mail: Sent) -> str:
    return "\n".join(map(str, mail.message.get_all("Authentication-Results", [])))


def headers_hide_home(scene: Scene) -> str:
    """No header has an address of the tunnel, of Docker or of the home network, or the internal machine's name."""
    count = 0
    for client in senders(scene.plan):
        mail = sent(scene, client.name)
        headers = mail.raw.split("\n\n", 1)[0]
        found = internal_addresses(scene, headers)
        require(not found, f"headers show {', '.join(found)}", headers)
        named = home_names(scene, headers)
        require(not named, f"headers name the machine at home: {', '.join(named)}", headers)
        count += len(mail.message.keys())
    return f"{count} headers looked at"


def home_names(scene: Scene, headers: str) -> list[str]:
    """Hosts of Received lines, and parts behind an @, that begin with the internal machine's name."""
    plan = scene.plan
    public = {plan.topology.hostname, *(proxy.hostname for proxy in plan.proxies), *plan.domain_names}
    hosts = {host.rstrip(".").lower() for host in re.findall(r"(?:\b(?:from|by)\s+|@)([\w.-]+)", headers)}
    return sorted(host for host in hosts - public if host.split(".")[0] == plan.internal.name)


def bounce_reaches_the_sender(scene: Scene) -> str:
    """Mail to nobody outside comes back to the sender's mailbox, with the reason."""
    token, user = scene.token("bounce"), scene.user
    to = scene.layout.mailbox(remote.NOBODY)
    submission = scene.dial(scene.sender)
    answer = scene.probe("submit", scene.layout.client.ipv4, **submission, login=user, to=to, token=token)
    require(answer["ok"], "submitting", answer.get("error") or answer)
    box = scene.fetched(user, token, wait=DELIVERY)
    require(box["count"] == 1, f"{user} has {box['count']} bounces instead of one")
    text = str(box["messages"][0])
    require("Return-Path: <>" in text or "mailer-daemon" in text.lower(), "no bounce, but another mail", text[:800])
    require("550" in text and to in text, "the bounce does not say why", text)
    return f"{user} has it: {code_of(text[text.index('550') :])} for {to}"
