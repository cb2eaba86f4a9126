"""Relays: mail leaves by them as described, by who is logged in there."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage

from mailnix.lab.internet.layout import CAROL
from mailnix.lab.internet.smarthosts import vouched
from mailnix.lab.scenario.bad_days import submit
from mailnix.lab.scenario.evidence import require
from mailnix.lab.scenario.mails import parsed
from mailnix.lab.scenario.offers import can_send
from mailnix.lab.scenario.outbound import judgement, methods
from mailnix.lab.scenario.scene import DELIVERY, Scene
from mailnix.model.relays import Relay, RelayTls
from mailnix.plan.types import Plan, ProxyPlan


def relays(plan: Plan) -> tuple[Relay, ...]:
    """The relays that mail can be sent by."""
    return plan.topology.relays if can_send(plan) else ()


def carry_what_they_should(scene: Scene) -> str:
    """Mail for each relay's domains, or all of it, comes from that relay, which the proxy was logged in at."""
    return "; ".join(_carried(scene, relay) for relay in relays(scene.plan))


def _carried(scene: Scene, relay: Relay) -> str:
    to = f"{CAROL}@{relay.domains[0]}" if relay.domains else scene.layout.mailbox(CAROL)
    token = scene.token("relayed")
    submit(scene, to, token)
    box = scene.post("inbox", timeout=DELIVERY, mailbox=to, token=token)
    require(box["count"] == 1, f"{box['count']} copies reached {to} instead of one")
    message = parsed(box["messages"][0])
    came_by(scene, message, relay, scene.plan.proxies)
    secure = "over TLS" if relay.begins is not RelayTls.NONE else "in clear"
    return f"{to}: by {relay.host}, as {relay.user or 'nobody'}, {secure}"


def came_by(scene: Scene, message: EmailMessage, relay: Relay, proxies: Sequence[ProxyPlan]) -> str:
    """That a mail came from a relay, which one of these proxies had handed it to, logged in; raises CheckFailed."""
    last, before, *_others = [" ".join(str(hop).split()) for hop in (*message.get_all("Received", []), "", "")]
    require(last.startswith(f"from {relay.host} ("), f"it did not come from {relay.host}", last)
    who = f"by {relay.host} as {relay.user or 'nobody'} "
    ours = [f"([{address}])" for proxy in proxies for address in (proxy.ipv4, proxy.ipv6) if address]
    named = any(address in before for address in ours)
    require(who in before and named, f"not {who}from {' or '.join(proxy.name for proxy in proxies)}", before)
    verdicts = judgement(message, scene.layout.mx.name)
    for method in methods(spf=vouched(scene.plan, relay)):
        require(verdicts.get(method) == "pass", f"{method} of mail by {relay.host} is {verdicts.get(method)}", verdicts)
    return before
