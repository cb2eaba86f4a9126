"""Addresses as they are described: each mail ends where the description says, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from mailnix.lab.internet import mail as remote
from mailnix.lab.internet.outside import addresses as outside
from mailnix.lab.scenario.ends import Owned, ends, owned
from mailnix.lab.scenario.evidence import code_of, require
from mailnix.lab.scenario.mails import parsed
from mailnix.lab.scenario.offers import passes_spf
from mailnix.lab.scenario.outbound import judgement
from mailnix.lab.scenario.scene import DELIVERY, POSTFIX, Answer, Scene
from mailnix.model import mirrors
from mailnix.model.mail import State, address_of
from mailnix.model.topology import Domain
from mailnix.plan.types import Plan


def catch_alls(plan: Plan) -> list[Domain]:
    """Domains where mail to anybody is taken."""
    return [domain for domain in plan.topology.domains if domain.catch_all]


def discarded(plan: Plan) -> list[str]:
    """Addresses whose mail is thrown away."""
    domains = plan.topology.domains
    return [f"{alias.local_part}@{domain.name}" for domain in domains for alias in domain.aliases if alias.discard]


def mirrored(plan: Plan) -> list[Domain]:
    """Domains that have the addresses of another."""
    return [domain for domain in plan.topology.domains if domain.alias_of]


def forwarded(plan: Plan) -> list[str]:
    """Aliases that lead elsewhere."""
    there = set(outside(plan.topology))
    return [
        f"{alias.local_part}@{domain.name}"
        for domain in plan.topology.domains
        for alias in domain.aliases
        if any(address_of(to, domain.name) in there for to in alias.to)
    ]


def handing_on(plan: Plan) -> list[Owned]:
    """Mailboxes that hand mail on."""
    return [box for box in owned(plan.topology) if box.mailbox.forward_to and box.mailbox.state is not State.INACTIVE]


def without_login(plan: Plan) -> list[Owned]:
    """Mailboxes that nobody logs in to."""
    return [box for box in owned(plan.topology) if box.mailbox.state is not State.ACTIVE]


def catch_all_takes_anything(scene: Scene) -> str:
    """Mail to a name that nobody has is in the mailboxes of the domain's catch-all."""
    return "; ".join(_ends_well(scene, f"nobody-has-this@{domain.name}") for domain in catch_alls(scene.plan)[:1])


def discarded_mail_is_nowhere(scene: Scene) -> str:
    """Mail to an address that throws away is taken, and is in no mailbox; nobody is told."""
    address, since = discarded(scene.plan)[0], scene.moment()
    token = _taken(scene, address)
    thrown = re.compile(rf"orig_to=<{re.escape(address)}>.* status=sent")
    scene.wait_for(f"Mailcow to throw mail to {address} away", lambda: thrown.search(scene.mailcow_log(POSTFIX, since)))
    domain = mirrors.by_name(scene.plan.topology)[address.rpartition("@")[2]]
    wrong = {*ends(scene.plan.topology, f"nobody-has-this@{domain.name}"), scene.user}
    _have_nothing(scene, wrong, token)
    return f"{address}: taken, and thrown away"


def mirror_has_the_same_addresses(scene: Scene) -> str:
    """Mail to a mirrored mailbox, and to a mirrored alias, is where the other domain's is."""
    domain = mirrored(scene.plan)[0]
    other = mirrors.by_name(scene.plan.topology)[domain.alias_of or ""]
    known = [[box.local_part for box in other.mailboxes], [a.local_part for a in other.aliases if not a.discard]]
    found = (f"{local_parts[0]}@{domain.name}" for local_parts in known if local_parts)
    return "; ".join(_ends_well(scene, address) for address in found)


def forwarded_mail_is_outside(scene: Scene) -> str:
    """Mail to an alias that leads elsewhere is there."""
    return _ends_well(scene, forwarded(scene.plan)[0])


def handed_on_mail_is_where_it_should(scene: Scene) -> str:
    """A mailbox that hands mail on has a copy where it keeps one; outside, SPF passes for who handed it on."""
    boxes = first_of_each(handing_on(scene.plan), lambda box: box.mailbox.keep_copy)
    return "; ".join(_ends_well(scene, box.address, by=box.address) for box in boxes)


def first_of_each(boxes: Iterable[Owned], kind: Callable[[Owned], object]) -> tuple[Owned, ...]:
    """The first mailbox of each kind."""
    found: dict[object, Owned] = {}
    for box in boxes:
        found.setdefault(kind(box), box)
    return tuple(found.values())


def archive_takes_mail(scene: Scene) -> str:
    """Mail to an archive is taken, and to an inactive mailbox refused."""
    said = []
    for box in first_of_each(without_login(scene.plan), lambda box: box.mailbox.state):
        if ends(scene.plan.topology, box.address):
            said.append(_ends_well(scene, box.address))
        else:
            said.append(f"{box.address}: {_refused(scene, box.address)}")
    return "; ".join(said)


def _ends_well(scene: Scene, address: str, by: str = "") -> str:
    """That a mail from outside ends where the description says; raises CheckFailed. `by` hands on what goes outside."""
    wanted, token = ends(scene.plan.topology, address), _taken(scene, address)
    there = outside(scene.plan.topology)
    for end, copies in wanted.items():
        box = _outside(scene, end, token) if end in there else scene.stored(end, token)
        require(box["count"] == copies, f"{end} has {box['count']} copies of mail to {address}, not {copies}")
        if by and end in there:
            _handed_on(scene, box["messages"][0], by)
    _have_nothing(scene, {scene.user, address} - set(wanted), token)
    return f"{address}: in {', '.join(sorted(wanted))}"


def _handed_on(scene: Scene, raw: str, by: str) -> None:
    """That a mail came in the name of who handed it on, and that this name's domain allows it."""
    message = parsed(raw)
    require(message["Return-Path"] == f"<{by}>", f"not {by} hands mail on", message["Return-Path"])
    spf = judgement(message, scene.layout.mx.name).get("spf")
    require(spf == "pass" or not passes_spf(scene.plan), f"SPF of what {by} hands on is {spf}", raw[:1500])


def _outside(scene: Scene, address: str, token: str) -> Answer:
    return scene.post("inbox", timeout=DELIVERY, mailbox=address, token=token)


def _have_nothing(scene: Scene, addresses: Iterable[str], token: str) -> None:
    boxes = {box.address for box in owned(scene.plan.topology) if box.mailbox.state is not State.INACTIVE}
    for address in sorted(boxes & {*addresses}):
        count = scene.stored(address, token, wait=0)["count"]
        require(count == 0, f"{address} has mail that it should not have")


def _taken(scene: Scene, address: str) -> str:
    """Have a mail sent to an address of ours, which must be taken; gives its token."""
    token, fate = _sent_to(scene, address)
    require(fate.get("status") == "sent", f"mail to {address} was not taken", fate)
    return token


def _refused(scene: Scene, address: str) -> str:
    """That mail to an address is refused for good."""
    _token, fate = _sent_to(scene, address)
    require(fate.get("status") == "bounced", f"mail to {address} was not refused", fate)
    said = str(fate["said"])
    return code_of(said[said.index("550") :]) if "550" in said else code_of(said)


def _sent_to(scene: Scene, address: str) -> tuple[str, Answer]:
    token, sender = scene.token("to"), scene.layout.mailbox(remote.CAROL)
    answer = scene.post("send", timeout=DELIVERY, sender=sender, to=address, token=token)
    return token, answer["recipients"].get(address, {})
