"""What mail programs reach, as a description names it."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix import Backup, Internal
from mailnix.model.check import problems
from mailnix.model.clientport import KNOWN
from tests.descriptions import sound


def said(**changed: Any) -> dict[str, str]:
    return {problem.path: f"{problem.message}; {problem.hint}" for problem in problems(sound(**changed))}


def at_home(*networks: str) -> dict[str, str]:
    return said(internal=Internal("internal", backup=Backup(), lan_client_cidrs=networks))


@pytest.mark.parametrize(
    "names",
    [["imaps", "submissions"], ["submission", "imaps", "pop3s"], ["imaps", "submissions", "managesieve", "pop3s"]],
)
def test_services_are_asked_for_by_name(names: list[str]) -> None:
    assert said(client_services=names) == {}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["imaps", "submissions", "smtps"], "no service"),
        (["imaps", "submissions", "pops"], "did you mean pop3s"),
        (["IMAPS", "submissions"], "did you mean imaps"),
        (["993", "submissions"], "did you mean imaps"),
        (["imaps", "submissions", "imaps"], "given twice"),
        ([], "no mail program can be used"),
        (["imaps"], "no mail program can send"),
        (["submissions", "managesieve"], "no mail program can read"),
        (["imaps", "imap", "submissions"], 'use "imaps"'),
        (["imaps", "submissions", 993], "not a text"),
    ],
)
def test_a_mistake_is_named(names: list[Any], message: str) -> None:
    (found,) = said(client_services=names).values()
    assert message in found


def test_every_service_has_a_name_to_ask_for() -> None:
    assert not [path for path in said(client_services=[client.name for client in KNOWN]) if "[" in path]


@pytest.mark.parametrize("network", ["192.168.1.0/24", "10.0.0.0/24", "172.31.0.0/16"])
def test_a_home_network_may_reach_mailcow_directly(network: str) -> None:
    assert at_home(network) == {}


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("0.0.0.0/0", "no home network"),
        ("203.0.113.0/24", "no home network"),
        ("fd00::/64", "IPv6"),
        ("home", "not a network"),
        ("172.22.1.0/24", "172.22.1.0/24"),
    ],
)
def test_any_other_network_may_not(network: str, message: str) -> None:
    assert any(message in found for found in at_home(network).values())


def test_the_tunnel_keeps_out_of_the_way_of_a_home_network() -> None:
    assert at_home("10.83.119.0/24") == {}
