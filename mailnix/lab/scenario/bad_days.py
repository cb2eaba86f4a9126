"""Power cuts and crashes: nothing is lost, and nothing arrives twice."""

from __future__ import annotations

from functools import partial
from typing import Final

from mailnix.lab.internet import mail as remote
from mailnix.lab.ready import tunnel_answers
from mailnix.lab.scenario.evidence import code_of, require
from mailnix.lab.scenario.scene import DELIVERY, Guest, Scene
from mailnix.model import ports
from mailnix.plan.types import ProxyPlan

OUT: Final = "haraka-out.service"
QUEUE: Final = "/var/lib/haraka-out/queue"
COMEBACK: Final = 900.0  # seconds from power-on to mail that flows again, in emulation


def outage_at_home_only_delays(scene: Scene) -> str:
    """While the internal host is off senders get a temporary error; when it is back the mail arrives, once."""
    token, user = scene.token("outage"), scene.user
    sender = scene.layout.mailbox(remote.CAROL)
    scene.internal.kill()
    try:
        said = _answer_to_a_stranger(scene)
        require(said[:1] == "4", "no temporary error while the internal host is off", said)
        answer = scene.post("send", timeout=DELIVERY, sender=sender, to=user, token=token, status="deferred")
        fate = answer["recipients"].get(user, {})
        require(fate.get("status") == "deferred", "the sender was not told to come back", answer)
    finally:
        scene.internal.start()
    scene.internal.wait_for_guest()
    answer = scene.post("fate", timeout=COMEBACK, to=user, token=token, status="sent")
    require(answer["ok"], "the mail was never delivered", answer)
    scene.internal.wait_for_unit("mailcow-provision.service", timeout=COMEBACK)
    box = scene.fetched(user, token)
    require(box["count"] == 1, f"the mail arrived {box['count']} times")
    return f"while off: {code_of(said)}; afterwards it arrived once"


def _answer_to_a_stranger(scene: Scene) -> str:
    """The first answer to an SMTP client that is not 2xx, in one session that wants to send a mail."""
    lines = [f"EHLO {scene.layout.client.name}", f"MAIL FROM:<{scene.layout.mailbox(remote.CAROL)}>"]
    lines += [f"RCPT TO:<{scene.user}>", "QUIT"]
    answer = scene.probe("smtp", scene.layout.client.ipv4, host=scene.proxy.ipv4, port=ports.SMTP, line=lines)
    replies = answer.get("replies", [])
    require(replies, "the proxy does not even answer", answer.get("error"))
    return next((str(reply["text"]) for reply in replies if reply["code"] // 100 != 2), "2xx: it took the mail")


def crashes_of_a_proxy_lose_nothing(scene: Scene) -> str:
    """haraka-out is killed with a mail in its queue, then its machine: the mail is delivered afterwards, once."""
    token, carol = scene.token("crash"), scene.layout.mailbox(remote.CAROL)
    scene.post("busy", state="on")
    try:
        submit(scene, carol, token)
        guest = holder(scene, token)
        first = _main_pid(guest)
        guest.succeed(f"systemctl kill --signal=KILL {OUT}")
        scene.wait_for("haraka-out's restart", lambda: _restarted(guest, first))
        require(queued(guest, token), "the mail was gone after kill -9 of haraka-out")
        guest.kill()
        guest.start()
        guest.wait_for_guest()
        guest.wait_for_unit(OUT)
        require(queued(guest, token), "the mail was gone after the power cut")
    finally:
        scene.post("busy", state="off")
    scene.wait_for("an empty queue", lambda: _flushed(guest, token), timeout=COMEBACK)
    box = scene.post("inbox", timeout=DELIVERY, mailbox=carol, token=token)
    require(box["count"] == 1, f"the mail arrived {box['count']} times")
    # A proxy that was off has its tunnel back with the next keepalive; what comes after this may count on it.
    for proxy in scene.plan.proxies:
        scene.wait_for(f"the tunnel of {proxy.name}", partial(_has_tunnel, scene, proxy))
    return f"killed pid {first}, then the machine: the mail arrived once"


def _has_tunnel(scene: Scene, proxy: ProxyPlan) -> bool:
    return scene.guest(proxy.name).execute(tunnel_answers(proxy)).status == 0


def submit(scene: Scene, to: str, token: str) -> None:
    """Have a new mail submitted by our first user."""
    submission = scene.dial(scene.sender)
    answer = scene.probe("submit", scene.layout.client.ipv4, **submission, login=scene.user, to=to, token=token)
    require(answer["ok"], "submitting", answer.get("error") or answer)


def holder(scene: Scene, token: str) -> Guest:
    """The proxy in whose queue the mail is, once it is there."""
    guests = [scene.guest(proxy.name) for proxy in scene.plan.proxies]
    return scene.wait_for(
        "the mail in a proxy's queue", lambda: next((guest for guest in guests if queued(guest, token)), None)
    )


def queued(guest: Guest, token: str) -> bool:
    """Whether a proxy's queue has the mail."""
    return guest.execute(f"grep -rqF -- {token} {QUEUE}").status == 0


def _main_pid(guest: Guest) -> str:
    return guest.succeed(f"systemctl show -P MainPID {OUT}").strip()


def _restarted(guest: Guest, before: str) -> bool:
    state = guest.execute(f"systemctl is-active {OUT}").stdout.strip()
    return state == "active" and _main_pid(guest) not in ("0", before)


def _flushed(guest: Guest, token: str) -> bool:
    """Whether the queue has the mail no more; asks haraka-out to try again at once (SIGHUP flushes its queue)."""
    if not queued(guest, token):
        return True
    # Before it listens it has no handler for the signal either, and would end.
    guest.execute(f"ss -Hltn sport = :{ports.RELAY} | grep -q . && systemctl kill --kill-whom=main --signal=HUP {OUT}")
    return False
