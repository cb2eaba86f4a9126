"""Who guesses passwords on the web is known by their own address to Mailcow's netfilter, whatever they guess at."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Final

import pytest

from mailnix.model import ports
from rig import until
from rig.mailcow import Mailcow
from rig.mailcow.proxy import Proxy, proxy
from rig.mailcow.space import Daemon

CHANNEL: Final = "F2B_CHANNEL"
GUESSER: Final = "198.51.100.99"
GUESSER6: Final = "2001:db8:bad::99"
USER: Final = "alice@example.org"
SECONDS: Final = 60.0
BASIC: Final = {"Authorization": "Basic " + base64.b64encode(f"{USER}:wrong".encode()).decode()}
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
GUESSES: Final = {
    "ActiveSync": ("OPTIONS", "/Microsoft-Server-ActiveSync?Cmd=FolderSync", "", BASIC),
    "calendars": ("PROPFIND", f"/SOGo/dav/{USER}/Calendar/", "", BASIC),
    "web mail": ("GET", "/SOGo/so/", "", BASIC),
    "the login page": ("POST", "/", f"login_user={USER}&pass_user=wrong", FORM),
    "the admin's login page": ("POST", "/admin/", "login_user=admin&pass_user=wrong", FORM),
    "the API": ("GET", "/api/v1/get/domain/all", "", {"X-API-Key": "wrong"}),
}


@pytest.fixture(scope="module")
def front(provisioned: Mailcow) -> Iterator[Proxy]:
    """The proxy's end of the tunnel, from which Caddy asks."""
    with proxy(provisioned) as made:
        yield made


@pytest.fixture
def told(provisioned: Mailcow) -> Iterator[Daemon]:
    """What Mailcow's netfilter is told meanwhile, as its own program hears it."""
    words = ["redis-cli", "-h", "redis-mailcow", "-a", provisioned.setting("REDISPASS"), "--no-auth-warning"]
    listener = provisioned.space.start("netfilter", [*words, "subscribe", CHANNEL])
    listener.ready(lambda: CHANNEL in listener.log, "netfilter listens")
    yield listener
    listener.stop()


def counted(machine: Mailcow, told: Daemon) -> list[str]:
    """The addresses that count one try more, by the rules of Mailcow's netfilter."""
    program = (machine.tree / "data/Dockerfiles/netfilter/main.py").read_text("utf-8")
    rules = [rule.replace(r"\'", "'") for rule in re.findall(r"f2bregex\[\d+\] = r'(.+)'", program)]
    assert len(rules) > 5
    found = (re.search(rule, line) for line in told.log.splitlines() for rule in rules)
    return [match[1] for match in found if match]


def guess(front: Proxy, what: str, forwarded: str) -> None:
    """Guess a password, as Caddy hands it on."""
    method, path, body, headers = GUESSES[what]
    host = front.machine.plan.topology.hostname
    with front.space.sockets():
        connection = HTTPConnection(str(front.machine.plan.internal.ipv4), ports.MAILCOW_HTTP, timeout=SECONDS)
        connection.request(method, path, body or None, {**headers, "Host": host, "X-Forwarded-For": forwarded})
        connection.getresponse().read()
        connection.close()


@pytest.mark.parametrize("what", GUESSES)
def test_a_guess_counts_for_the_guesser(front: Proxy, told: Daemon, what: str) -> None:
    guess(front, what, GUESSER)
    until(lambda: bool(counted(front.machine, told)), "netfilter is told")
    assert set(counted(front.machine, told)) == {GUESSER}


@pytest.mark.parametrize("what", ["ActiveSync", "the login page"])
def test_over_ipv6_too(front: Proxy, told: Daemon, what: str) -> None:
    guess(front, what, GUESSER6)
    until(lambda: bool(counted(front.machine, told)), "netfilter is told")
    assert set(counted(front.machine, told)) == {GUESSER6}


@pytest.mark.parametrize("claimed", ["127.0.0.1", "203.0.113.7", "10.0.0.5"])
def test_nobody_has_another_banned_or_hides_behind_one(front: Proxy, told: Daemon, claimed: str) -> None:
    guess(front, "ActiveSync", f"{claimed}, {GUESSER}")
    until(lambda: bool(counted(front.machine, told)), "netfilter is told")
    assert set(counted(front.machine, told)) == {GUESSER}
