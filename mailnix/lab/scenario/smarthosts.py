"""Relays: mail leaves by them as described, by who is logged in there."""

from __future__ import annotations

from mailnix.lab.internet.layout import CAROL
from mailnix.lab.scenario.bad_days import submit
from mailnix.lab.scenario.evidence import require
from mailnix.lab.scenario.mails import parsed
from mailnix.lab.scenario.offers import can_send
from mailnix.lab.scenario.outbound import judgement
from mailnix.lab.scenario.scene import DELIVERY, Scene
from mailnix.model.relays import Relay, RelayTls
from mailnix.plan.types import Plan


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
    last, before, *_others = [" ".join(str(hop).split()) for hop in (*message.get_all("Received", []), "", "")]
    require(last.startswith(f"from {relay.host} ("), f"mail to {to} did not come from {relay.host}", last)
    who = f"by {relay.host} as {relay.user or 'nobody'} "
    ours = [f"([{address}])" for proxy in scene.plan.proxies for address in (proxy.ipv4, proxy.ipv6) if address]
    require(who in before and any(address in before for address in ours), f"not {who}from a proxy", before)
    verdicts = judgement(message, scene.layout.mx.name)
    for method in (*(["spf"] if relay.spf else []), "dkim", "dmarc"):
        require(verdicts.get(method) == "pass", f"{method} of mail by {relay.host} is {verdicts.get(method)}", verdicts)
    secure = "over TLS" if relay.begins is not RelayTls.NONE else "in clear"
    return f"{to}: by {relay.host}, as {relay.user or 'nobody'}, {secure}"
