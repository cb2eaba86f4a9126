"""Others' tables that would keep out whoever logs in; rules are loaded by nft itself, in a network of their own."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence

import pytest

from mailnix.run import run
from mailnix.services.generations.guest import walls
from mailnix.services.generations.guest.plan import plan
from mailnix.services.generations.guest.world import Done
from tests.services.generations.scratch import Scratch

OURS = "inet mailnix"
OWN = "table inet own {\n%s\nchain input {\ntype filter hook input priority 10; policy %s;\n%s\n}\n}"
WELL = 'ct state vmap { established : accept, related : accept, invalid : drop }; iifname "lo" accept;'
CLOSED = {
    "a policy": OWN % ("", "drop", WELL),
    "other ports alone": OWN % ("", "drop", f"{WELL} tcp dport {{ 80, 443, 1000-2000 }} accept;"),
    "a rule": OWN % ("", "accept", f"{WELL} tcp dport 22 drop;"),
    "a refusal at the end": OWN % ("", "accept", f"{WELL} udp dport 53 accept; counter reject;"),
    "new ones": OWN % ("", "accept", "ct state new tcp dport 1-1024 drop;"),
    "a chain that is jumped to": OWN
    % ("chain ports {\ntcp dport 443 accept; drop;\n}", "accept", f"{WELL} jump ports;"),
    "other ports that return": OWN % ("", "accept", f"{WELL} tcp dport 80 return; drop;"),
    "IPv4's": "table ip filter {\nchain INPUT {\ntype filter hook input priority 0; policy drop;\n}\n}",
    "a map": OWN % ("", "accept", "tcp dport vmap { 22 : drop, 80 : accept };"),
}
OPEN = {
    "the port": OWN % ("", "drop", f"{WELL} tcp dport {{ 22, 80 }} accept;"),
    "its range": OWN % ("", "drop", f"{WELL} tcp dport 20-30 accept;"),
    "from somewhere": OWN % ("", "drop", f"{WELL} ip saddr 203.0.113.0/24 tcp dport 22 accept;"),
    "guests that are banned": OWN % ("set bad { type ipv4_addr; }", "accept", "ip saddr @bad drop;"),
    "a named set": OWN % ("set in { type inet_service; elements = { 22 } }", "drop", f"{WELL} tcp dport @in accept;"),
    "what is no connection": OWN % ("", "accept", "ct state invalid drop; udp dport 22 drop;"),
    "others' forwarding": "table ip filter {\nchain FORWARD {\ntype filter hook forward priority 0; policy drop;\n}\n}",
    "ours": "table inet mailnix {\nchain input {\ntype filter hook input priority 0; policy drop;\n}\n}",
    "ports that return": OWN % ("", "accept", f"{WELL} tcp dport {{ 22, 80 }} return; drop;"),
    "guests that return": OWN % ("", "accept", f"{WELL} ip saddr 203.0.113.0/24 return; drop;"),
    "a named map": OWN
    % ("map in { type inet_service : verdict; elements = { 22 : accept } }", "drop", "tcp dport vmap @in;"),
    "ports that are counted": OWN % ("", "drop", f"{WELL} tcp dport {{ 22 counter, 80 counter }} accept;"),
    "all but one card": OWN % ("", "accept", 'iifname "wlan0" drop;'),
}


def listed(rules: str) -> str:
    if not shutil.which("nft") or os.geteuid() != 0:
        pytest.skip("only root loads rules, with nft")
    words = ["unshare", "--net", "sh", "-c", "nft -f - && nft --json list ruleset"]
    return run(words, stdin=rules.encode()).stdout


def closing(rules: str) -> list[str]:
    return [*walls.closing(json.loads(listed(rules))["nftables"], OURS, 22)]


@pytest.mark.parametrize("rules", CLOSED.values(), ids=CLOSED.keys())
def test_what_closes_the_port_is_named(rules: str) -> None:
    (chain,) = closing(rules)
    assert chain in ("table inet own, chain input,", "table ip filter, chain INPUT,")


@pytest.mark.parametrize("rules", OPEN.values(), ids=OPEN.keys())
def test_what_leaves_it_open_or_may_is_not(rules: str) -> None:
    assert closing(rules) == []


class Walled(Scratch):
    """A machine with rules of its owner's."""

    rules = ""

    def run(self, argv: Sequence[str], *, within: float = 0, offline: bool = False) -> Done:
        return Done(0, self.rules) if argv[0] == "nft" else super().run(argv, within=within, offline=offline)


def test_a_plan_warns_of_it(running: Scratch) -> None:
    machine = Walled(running.root)
    machine.rules = listed(CLOSED["a policy"])
    (warning,) = plan(machine, 2)["warnings"]
    assert warning.startswith("table inet own, chain input, is somebody else's and drops what comes in to port 22")
    machine.rules = "nft: command not found"
    assert plan(machine, 2)["warnings"] == []


@pytest.mark.parametrize("said", ["null", '{"nftables": null}', '{"nftables": [{"chain": []}]}', '{"nftables": ["?"]}'])
def test_what_another_nft_says_in_other_words_stops_no_plan(running: Scratch, said: str) -> None:
    machine = Walled(running.root)
    machine.rules = said
    assert plan(machine, 2)["warnings"] == []
