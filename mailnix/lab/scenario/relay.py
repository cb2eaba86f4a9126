"""Nobody relays through these machines: not from outside, not from the tunnel, not with a forged address."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from mailnix.lab.internet import mail as remote
from mailnix.lab.internet.layout import Layout
from mailnix.lab.scenario.evidence import by_answer, code_of, require
from mailnix.lab.scenario.offers import senders
from mailnix.lab.scenario.scene import Scene
from mailnix.model import ports
from mailnix.model.clientport import ClientPort
from mailnix.plan.types import Address

# Replies may have several lines; the last has a space after its code.
_DIALOG = """\
exec 3<>/dev/tcp/$1/$2 || exit 7; shift 2
reply() { while IFS= read -r -t 60 line <&3; do echo "$line"; case "$line" in ???-*) ;; *) return;; esac; done; }
reply; for word in "$@"; do printf '%s\\r\\n' "$word" >&3; echo "> $word"; reply; done"""

# EHLO must be the last line that is sent before an answer (RFC 2920). openssl shows the last line of the answer that
# it had before STARTTLS, too: that one stands alone.
_TLS_HELLO = """\
coproc tls { openssl s_client -quiet -crlf -connect "$@" 2>/dev/null; }
printf 'EHLO proxy.invalid\\n' >&"${tls[1]}"
while IFS= read -r -t 60 line <&"${tls[0]}"; do
  echo "$line"
  case "$line" in 250-*) several=1;; 250*) [ -n "$several" ] && break;; esac
done
kill "$tls_PID" || true"""


def submission_ports(scene: Scene) -> tuple[ClientPort, ...]:
    """Where mail programs hand mail to Mailcow's Postfix: the same program that takes XCLIENT on the SMTP port."""
    return senders(scene.plan)


def dialog(host: Address, port: int, lines: Sequence[str]) -> str:
    """A shell command that speaks SMTP with nothing but bash, for machines that have no client."""
    return shlex.join(("bash", "-c", _DIALOG, "-", str(host), str(port), *lines))


def outside_is_denied(scene: Scene) -> str:
    """A stranger may not send to another stranger, over any address of any proxy."""
    attacker, said = scene.layout.attacker, dict[str, str]()
    for proxy in scene.plan.proxies:
        for target, source in ((proxy.ipv4, attacker.ipv4), (proxy.ipv6, attacker.ipv6)):
            if target is not None and source is not None:
                replies = _probe(scene, source, _envelope(scene.layout), host=target, port=ports.SMTP)
                what = f"relaying from {source} to {target}"
                said[str(target)] = _refused(replies, what)
                # Not for a passing reason: a filter that is down would refuse as well.
                mail, rcpt = (reply["code"] for reply in replies[-2:])
                require(mail == 250 and rcpt // 10 == 55, f"{what} was refused for another reason", replies)
    return by_answer(said)


def forged_xclient_is_denied(scene: Scene) -> str:
    """XCLIENT from outside neither is offered nor helps, on the SMTP port and on every submission port."""
    trusted = scene.plan.internal.docker_subnet[5]
    claim = f"XCLIENT ADDR={trusted} NAME=trusted.invalid"
    source = scene.layout.attacker.ipv4
    evidence = []
    # Each port by the name that its certificate is for: MX hosts may have names of their own.
    servers = [{"host": proxy.hostname, "port": ports.SMTP, "implicit": 0} for proxy in scene.plan.proxies]
    clients = [scene.dial(client.name) for client in submission_ports(scene)]
    for server in (*servers, *clients):
        hello = [] if server["implicit"] else ["EHLO attacker.invalid", "STARTTLS"]
        at = f"{server['host']}:{server['port']}"
        lines = [*hello, "EHLO attacker.invalid", claim, "EHLO attacker.invalid", *_envelope(scene.layout)[1:]]
        replies = _probe(scene, source, lines, **server)
        offers = [r for r in replies if r["sent"].startswith("EHLO") and "XCLIENT" in r["text"].upper()]
        require(not offers, f"{at} offers XCLIENT to strangers", offers)
        evidence.append(f"{at}: {_refused(replies, f'relaying on {at} after XCLIENT')}")
    return "; ".join(evidence)


def forged_proxy_header_is_denied(scene: Scene) -> str:
    """A PROXY line from outside does not make an address trusted."""
    trusted = scene.plan.internal.docker_subnet[5]
    source, proxy = scene.layout.attacker.ipv4, scene.proxy
    early = f"PROXY TCP4 {trusted} {proxy.ipv4} 40000 25"
    evidence = []
    for port in (ports.SMTP, *(client.port for client in submission_ports(scene) if client.starttls)):
        replies = _probe(scene, source, _envelope(scene.layout), host=proxy.ipv4, port=port, early=early)
        evidence.append(f"{port}: {_refused(replies, f'relaying on {port} after a PROXY line')}")
    return "; ".join(evidence)


def tunnel_is_denied(scene: Scene) -> str:
    """A proxy itself may not relay through Mailcow, and XCLIENT is its right on the SMTP port only."""
    evidence = []
    for proxy in scene.plan.proxies:
        target = proxy.tunnel.internal.ipv4
        guest = scene.guest(proxy.name)
        dialogue = guest.succeed(dialog(target, ports.SMTP, _envelope(scene.layout)), timeout=180)
        last = dialogue.rsplit("> RCPT", 1)[-1].splitlines()[1:]
        require(last and last[0][:1] in "45", f"{proxy.name} may relay through Mailcow", dialogue)
        require("XCLIENT" in dialogue, f"Mailcow offers XCLIENT to {proxy.name} no more", dialogue)
        for client in submission_ports(scene):
            submission = f"{target}:{client.port}"
            starttls = ("-starttls", client.starttls) if client.starttls else ()
            hello = guest.succeed(shlex.join(("bash", "-c", _TLS_HELLO, "-", submission, *starttls)), timeout=180)
            require("250-" in hello, f"no answer from {submission}", hello)
            require("XCLIENT" not in hello.upper(), f"{submission} offers XCLIENT to {proxy.name}", hello)
        evidence.append(f"{proxy.name}: {code_of(last[0])}, XCLIENT offered on {ports.SMTP} only")
    return "; ".join(evidence)


def _envelope(layout: Layout) -> list[str]:
    return [
        "EHLO attacker.invalid",
        f"MAIL FROM:<{layout.mailbox(remote.CAROL)}>",
        f"RCPT TO:<victim@not-here.{layout.domain}>",
    ]


def _probe(scene: Scene, source: Address, lines: Sequence[str], **server: Any) -> list[dict[str, Any]]:
    answer = scene.probe("smtp", source, line=list(lines), **server)
    # A server that hangs up, or resets the connection, has refused as clearly as one that says so.
    replies: list[dict[str, Any]] = answer.get("replies") or [{"sent": "", "code": 0, "text": answer.get("error", "")}]
    return replies


def _refused(replies: Sequence[dict[str, Any]], what: str) -> str:
    """The last word of a server that greeted and took nothing; raises CheckFailed where it took the recipient."""
    require(replies[0]["code"] // 100 in (2, 5), f"nobody answered, so {what} was not tried", replies)
    accepted = [r for r in replies if r["sent"].upper().startswith("RCPT") and r["code"] // 100 == 2]
    require(not accepted, f"{what} is possible", accepted)
    return code_of(replies[-1]["text"])
