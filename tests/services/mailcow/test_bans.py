"""Home tells the proxies whom Mailcow has banned, as its API says it (inc/functions.fail2ban.inc.php)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailnix.plan import Plan
from mailnix.services.mailcow import render, units
from mailnix.services.mailcow.debian import PROGRAMS
from mailnix.services.mailcow.guest.api import Api, ApiDown
from mailnix.services.mailcow.guest.bans import AGAIN, Bans, banned, text_of

ANSWER = {
    "ban_time": 1800,
    "perm_bans": [{"network": "192.0.2.0/24", "ip": "192.0.2.0"}],
    "active_bans": [
        {"queued_for_unban": 0, "network": "198.51.100.66/32", "ip": "198.51.100.66", "banned_until": "00h 29m 59s"},
        {"queued_for_unban": 1, "network": "198.51.100.67/32", "ip": "198.51.100.67", "banned_until": "00h 29m 59s"},
        {"queued_for_unban": 0, "network": "2001:db8::1/128", "ip": "2001:db8::1", "banned_until": "00h 29m 59s"},
    ],
}
LISTED = ("192.0.2.0/24", "198.51.100.66/32", "2001:db8::1/128")


class FakeApi(Api):
    """Answers as it is told."""

    def __init__(self) -> None:
        super().__init__("http://nowhere", "key", "mail.example.org")
        self.answer: Any = ANSWER

    def get(self, path: str) -> Any:
        assert path == "get/fail2ban"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Proxies:
    """What proxies were told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes]] = []
        self.away: set[str] = set()

    def send(self, address: str, port: int, text: bytes) -> None:
        if address in self.away:
            raise TimeoutError("timed out")
        self.told.append((address, text))


def test_those_who_guessed_and_those_on_the_pages_list_are_banned() -> None:
    assert banned(ANSWER) == LISTED


@pytest.mark.parametrize(
    "answer",
    [
        {"active_bans": "", "perm_bans": ""},
        {"active_bans": [{"network": "nonsense"}, {"network": None}, {"network": "fe80::%x } ; #/64"}, "x", {}]},
    ],
)
def test_an_answer_with_nothing_in_it_bans_nobody(answer: Any) -> None:
    assert banned(answer) == ()


@pytest.mark.parametrize("answer", [{}, [], None])
def test_an_answer_without_a_list_is_none(answer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    api, proxies = FakeApi(), Proxies()
    api.answer = answer
    Bans(api, ["10.83.119.1"], 2527, proxies.send).look(0)
    assert proxies.told == []
    assert "does not say whom it has banned" in capsys.readouterr().out


def test_a_list_is_sent_when_it_changes_and_before_it_is_forgotten() -> None:
    api, proxies = FakeApi(), Proxies()
    bans = Bans(api, ["10.83.119.1"], 2527, proxies.send)
    whole = ("10.83.119.1", text_of(LISTED))
    bans.look(0)
    bans.look(15)
    assert proxies.told == [whole]
    bans.look(AGAIN)
    assert proxies.told == [whole, whole]
    api.answer = {"active_bans": "", "perm_bans": ""}
    bans.look(AGAIN + 15)
    assert proxies.told[2:] == [("10.83.119.1", text_of([]))]


def test_a_proxy_that_is_away_holds_up_no_other_and_is_told_later(capsys: pytest.CaptureFixture[str]) -> None:
    proxies = Proxies()
    bans = Bans(FakeApi(), ["10.83.119.1", "10.83.119.3"], 2527, proxies.send)
    proxies.away = {"10.83.119.1"}
    bans.look(0)
    bans.look(15)
    assert [address for address, _ in proxies.told] == ["10.83.119.3"]
    assert capsys.readouterr().out == "10.83.119.1 does not take the list: timed out\n"
    proxies.away = set()
    bans.look(30)
    assert [address for address, _ in proxies.told] == ["10.83.119.3", "10.83.119.1"]


def test_while_mailcow_says_nothing_nobody_is_unbanned_by_us(capsys: pytest.CaptureFixture[str]) -> None:
    api, proxies = FakeApi(), Proxies()
    api.answer = ApiDown("HTTP 502")
    bans = Bans(api, ["10.83.119.1"], 2527, proxies.send)
    bans.look(0)
    bans.look(15)
    assert proxies.told == []
    assert capsys.readouterr().out.count("does not say whom it has banned: HTTP 502") == 1


def test_the_unit_reaches_mailcow_and_the_proxies_alone(two_proxies: Plan) -> None:
    sections = dict(units.bans_unit(PROGRAMS, two_proxies.internal))
    addresses = [str(link.proxy.ipv4) for link in two_proxies.tunnels]
    assert sections["Service"]["IPAddressAllow"] == (str(two_proxies.internal.ipv4), "172.22.1.0/24", *addresses)
    assert json.loads(render.bans_json(two_proxies))["proxies"] == addresses
