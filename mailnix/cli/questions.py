"""What `mailnix init` must know, and how it learns it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from mailnix.cli import ways_in
from mailnix.cli.answers import SOUND
from mailnix.cli.asking import Asking
from mailnix.model.topology import Domain
from mailnix.starter import Answers

OPTIONS: Final = {
    "domain": "--domain",
    "hostname": "--hostname",
    "proxy_ipv4": "--proxy-ipv4",
    "proxy_ipv6": "--proxy-ipv6",
    "reach": "--reach",
    "lan": "--lan",
}


def answers_of(given: Mapping[str, Any]) -> Answers:
    """Everything that `mailnix init` must know: its options, and what they leave open."""
    words = _words(given)
    if given["mailboxes"]:
        words["--mailbox"] = " ".join(given["mailboxes"])
    asking = Asking(words)
    # The name that clients connect to follows the domain until it is asked for.
    asking.ask("--domain", "Your mail domain", lambda text: {"domain": text, "hostname": f"mail.{text}"})
    _machines(asking)
    question = "First mailboxes, without the domain"
    asking.ask("--mailbox", question, lambda text: {"mailboxes": tuple(text.replace(",", " ").split())}, "me")
    ways_in.ask(asking, given["keys"], sealed=given["sealed"])
    return asking.answers


def answers_about_machines(given: Mapping[str, Any], domains: tuple[Domain, ...]) -> Answers:
    """What `mailnix adopt` must know of machines that are not there yet; the domains are known."""
    asking = Asking(_words(given), evolve(SOUND, domains=domains))
    _machines(asking)
    ways_in.ask(asking, given["keys"], sealed=given["sealed"])
    return asking.answers


def _words(given: Mapping[str, Any]) -> dict[str, str]:
    return {option: given[name] for name, option in OPTIONS.items() if given.get(name)}


def _machines(asking: Asking) -> None:
    asking.ask("--hostname", "What clients connect to", lambda text: {"hostname": text}, asking.answers.hostname)
    asking.ask("--proxy-ipv4", "Static public IPv4 address of the proxy", lambda text: {"ipv4": text})
    asking.ask("--proxy-ipv6", "Its IPv6 address, empty for none", lambda text: {"ipv6": text}, "")
