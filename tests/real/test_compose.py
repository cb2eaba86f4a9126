"""Compose v2 merges Mailcow's file and what we override into what was decided."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from mailnix.run import run
from rig.mailcow import Mailcow
from tests.real.description import SETTINGS


def compose() -> list[str]:
    """The program of compose v2; empty where there is none."""
    for words in (["docker-compose"], ["docker", "compose"]):
        if shutil.which(words[0]) and run([*words, "version", "--short"], check=False).stdout.startswith(("2", "v2")):
            return words
    return []


@pytest.fixture(scope="module")
def merged(machine: Mailcow) -> dict[str, Any]:
    """What `docker compose config` says, services by name."""
    program = compose()
    if not program:
        pytest.skip("compose v2 is not installed (Debian 13: apt-get install docker-compose)")
    done = run([*program, "--project-directory", machine.tree, "config", "--format", "json"], timeout=120)
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def published(services: dict[str, Any], name: str) -> set[tuple[str, int]]:
    """Addresses and ports of the machine that lead to a container."""
    return {(port["host_ip"], int(port["published"])) for port in services[name].get("ports", ())}


def test_nothing_is_published_on_all_addresses(merged: dict[str, Any], machine: Mailcow) -> None:
    addresses = {address for name in merged for address, _ in published(merged, name)}
    internal = machine.plan.internal
    assert addresses <= {"127.0.0.1", str(internal.ipv4), str(internal.ipv6)}


def test_client_ports_are_published_in_the_tunnel_over_both_protocols(merged: dict[str, Any], machine: Mailcow) -> None:
    internal = machine.plan.internal
    for client in internal.client_ports:
        wanted = {(str(internal.ipv4), client.port), (str(internal.ipv6), client.port)}
        assert wanted <= published(merged, client.container)


def test_the_api_is_asked_in_the_tunnel_alone(merged: dict[str, Any], machine: Mailcow) -> None:
    assert (str(machine.plan.internal.ipv4), 8080) in published(merged, "nginx-mailcow")


def test_containers_get_what_the_settings_say(merged: dict[str, Any], machine: Mailcow) -> None:
    environment = merged["php-fpm-mailcow"]["environment"]
    assert environment["MAILCOW_HOSTNAME"] == machine.plan.topology.hostname
    assert environment["API_KEY"] == machine.secret("mailcow.api-key")
    assert environment["LOG_LINES"] == str(SETTINGS["LOG_LINES"])
    assert merged["postfix-mailcow"]["networks"]["mailcow-network"]["ipv4_address"] == f"{machine.network}.253"
