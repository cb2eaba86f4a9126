"""Mail to domains that demand TLS, by DANE or MTA-STS: it goes where what they publish holds, and nowhere else."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from attrs import frozen

from mailnix.lab.internet import mail as remote
from mailnix.lab.internet.receivers import Receiver, dane, ipv6_only, mta_sts
from mailnix.lab.scenario.bad_days import OUT, QUEUE, holder, queued, submit
from mailnix.lab.scenario.evidence import require
from mailnix.lab.scenario.mails import address_of, parsed
from mailnix.lab.scenario.outbound import left_from
from mailnix.lab.scenario.scene import DELIVERY, Guest, Scene
from mailnix.model import ports
from mailnix.services.haraka.values import POLICY_FOLDER

COUNTS: Final = f"{POLICY_FOLDER}/tls-rpt"
"""Where haraka-out counts how sessions went, by day, domain and policy (RFC 8460)."""


@frozen
class Wrong:
    """A domain whose mail must wait, and what the log says of its server."""

    receiver: Receiver
    reason: str

    @property
    def address(self) -> str:
        """A mailbox there."""
        return f"{remote.CAROL}@{self.receiver.name}"


def get_mail_where_policies_hold(scene: Scene) -> str:
    """Mail to a domain with the right TLSA record, and to one whose MTA-STS policy fits, arrives: proven, over TLS."""
    said = []
    for policy, receiver in (("tlsa", dane(scene.layout)[0]), ("sts", mta_sts(scene.layout)[0])):
        token, to = scene.token(policy), f"{remote.CAROL}@{receiver.name}"
        submit(scene, to, token)
        box = scene.post("inbox", timeout=DELIVERY, mailbox=to, token=token)
        require(box["count"] == 1, f"{box['count']} copies reached {to} instead of one")
        left_from(parsed(box["messages"][0]), scene.proxy)
        scene.wait_for(f"{receiver.name} in the proxy's counts", partial(_proven, scene, receiver, policy))
        said.append(f"{receiver.name} by {policy}")
    return f"proven and delivered: {', '.join(said)}"


def get_mail_over_ipv6(scene: Scene) -> str:
    """Mail to a domain with IPv6 only comes from the proxy's described address, whatever others its card has."""
    token, to = scene.token("six"), f"{remote.CAROL}@{ipv6_only(scene.layout).name}"
    submit(scene, to, token)
    box = scene.post("inbox", timeout=DELIVERY, mailbox=to, token=token)
    require(box["count"] == 1, f"{box['count']} copies reached {to} instead of one")
    hop = left_from(parsed(box["messages"][0]), scene.proxy)
    require(address_of(hop.partition("(")[2]) == scene.proxy.ipv6, "it came over IPv4", hop)
    return hop


def _proven(scene: Scene, receiver: Receiver, policy: str) -> bool:
    """Whether a session with a domain's server kept its policy."""
    counted = _counts(scene.guest(scene.proxy.name)).get(receiver.name, {}).get(policy, {})
    return int(counted.get("successful", 0)) > 0


def _counts(guest: Guest) -> Mapping[str, Any]:
    """What the last day's file says."""
    found = guest.execute(f"cat $(ls {COUNTS}/*.json | tail -n 1) </dev/null").stdout
    counts: Mapping[str, Any] = json.loads(found) if found.strip() else {}
    return counts


def get_nothing_where_policies_fail(scene: Scene) -> str:
    """Mail to a domain with another key's TLSA record, or whose MTA-STS policy names another server, waits and says so.

    What waits is taken out of the queue in the end.
    """
    tlsa, sts = dane(scene.layout)[1], mta_sts(scene.layout)[1]
    wrong = (
        Wrong(tlsa, "its certificate is not that of its TLSA records"),
        Wrong(sts, f"the MTA-STS policy of {sts.name} does not name it"),
    )
    tokens = {each: scene.token("waits") for each in wrong}
    for each, token in tokens.items():
        submit(scene, each.address, token)
    try:
        for each, token in tokens.items():
            _waits(scene, each, token)
    finally:
        for proxy in scene.plan.proxies:
            _forget(scene, scene.guest(proxy.name), tokens.values())
    return "; ".join(f"{each.receiver.mx}: {each.reason}" for each in wrong)


def _waits(scene: Scene, wrong: Wrong, token: str) -> None:
    """That a mail waits in a proxy's queue, and is in no mailbox, because of what its domain publishes."""
    guest, to = holder(scene, token), wrong.address
    line = scene.wait_for(f"a reason why mail to {to} waits", partial(_delay, guest, to))
    require(wrong.reason in line, f"mail to {to} waits for another reason", line)
    require(queued(guest, token), f"the mail to {to} waits nowhere", line)
    box = scene.post("inbox", mailbox=to, token=token)
    require(box["count"] == 0, f"{to} has got its mail in spite of its policy", line)


def _delay(guest: Guest, to: str) -> str:
    """The last line in which haraka-out says that mail to somebody is delayed, empty where there is none."""
    wanted = shlex.quote(f"<{to}> delayed: ")
    return guest.execute(f"journalctl -b -u {OUT} -o cat | grep -F -- {wanted} | tail -n 1").stdout.strip()


def _forget(scene: Scene, guest: Guest, tokens: Iterable[str]) -> None:
    """Take mails out of a proxy's queue, which only a haraka-out that does not run lets happen.

    It is over when haraka-out listens again: what Mailcow could not hand over would wait for minutes.
    """
    words = " ".join(f"-e {token}" for token in tokens)
    guest.succeed(f"systemctl stop {OUT}")
    guest.execute(f"grep -rlF {words} {QUEUE} | xargs -r rm")
    guest.succeed(f"systemctl start {OUT}")
    listener = f"ss -Hltn sport = :{ports.RELAY} | grep -q ."
    scene.wait_for("haraka-out to listen again", lambda: guest.execute(listener).status == 0)
