"""A change that breaks IPv6 alone: who has it notices, who has not says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve

from mailnix import Proxy
from mailnix.deploy.checks import HERE, Answer, Question
from mailnix.deploy.deploying import Failed, deploy
from mailnix.deploy.values import End, Seen, Upgrades, Version
from mailnix.errors import DeployError
from mailnix.plan import derive
from tests.deploy.machines import Stage
from tests.descriptions import PUBLIC6, sound


def breaks(stage: Stage, address: str, kind: str = "") -> Callable[[Question], Answer]:
    """One address answers no more once the proxy has changed, or one kind of question there."""

    def answer(question: Question) -> Answer:
        changed = stage["proxy"].pending is not None or stage["proxy"].current == 2
        gone = changed and question[1] == address and kind in ("", question[0])
        return (False, "no answer for 8 seconds") if gone else (True, "220")

    return answer


def no_ipv6(question: Question) -> Answer:
    return (":" not in question[1], "network is unreachable")


def asked_by_ipv6(stage: Stage) -> list[Seen]:
    """What was asked by IPv6, of the proxy's last change."""
    return [seen for each in deploy(stage.deploying()).machines for seen in each.checks if "by IPv6" in seen.what]


@pytest.fixture
def changed(stage: Stage) -> Stage:
    stage.packages.digests["proxy"] = "other"
    return stage


@pytest.mark.parametrize(
    ("kind", "named"),
    [("greeting", r"port 25 from outside, by IPv6 \(proxy\)"), ("ssh", r"SSH from outside, by IPv6 \(proxy\)")],
)
def test_what_answered_by_ipv6_before_must_answer_after(changed: Stage, kind: str, named: str) -> None:
    changed.here = breaks(changed, PUBLIC6, kind)
    with pytest.raises(Failed, match=f"{named}: no answer for 8 seconds") as caught:
        deploy(changed.deploying())
    assert [each.end for each in caught.value.report.machines] == [End.AS_DESCRIBED, End.BACK]
    assert changed["proxy"].current == 1


def test_the_proxy_tells_that_its_address_is_gone_to_whoever_has_no_ipv6(changed: Stage) -> None:
    changed.here, changed["proxy"].answers = no_ipv6, breaks(changed, PUBLIC6)
    with pytest.raises(Failed, match=r"port 25 from itself, by IPv6 \(proxy\)"):
        deploy(changed.deploying())


def test_and_that_mail_programs_of_ipv6_do_not_reach_mailcow(changed: Stage) -> None:
    changed["proxy"].answers = breaks(changed, str(changed.plan.internal.ipv6))
    with pytest.raises(Failed, match=r"Mailcow through the tunnel, by IPv6 \(proxy\)"):
        deploy(changed.deploying())


def test_a_place_without_ipv6_asks_by_ipv4_alone_and_says_so(changed: Stage) -> None:
    changed.here = no_ipv6
    assert {seen.asked for seen in asked_by_ipv6(changed)} == {"proxy"}
    assert [line for line in changed.heard if "IPv6" in line] == [
        "this computer has no IPv6 (network is unreachable): from here proxy is asked by IPv4 alone"
    ]


def test_what_did_not_answer_by_ipv6_before_is_told_and_not_demanded(changed: Stage) -> None:
    changed.here = lambda question: (question[0] == "route" or ":" not in question[1], "no answer for 8 seconds")
    told = [seen for seen in asked_by_ipv6(changed) if seen.asked == HERE]
    assert {(seen.ok, seen.demanded) for seen in told} == {(False, False)}
    assert changed["proxy"].current == 2


def test_nothing_is_asked_by_ipv6_where_none_is_described(changed: Stage) -> None:
    changed.plan = derive(sound(proxies=[Proxy("proxy", ipv4="5.9.100.1")]))
    assert asked_by_ipv6(changed) == []


def test_ssh_that_is_described_for_some_networks_alone_may_be_shut_here(changed: Stage) -> None:
    """By IPv4 a new connection is demanded in any case."""
    (proxy,) = changed.plan.topology.proxies
    changed.plan = derive(sound(proxies=[evolve(proxy, admin_cidrs=("192.0.2.0/24",))]))
    changed.here = breaks(changed, PUBLIC6, "ssh")
    assert "SSH from outside, by IPv6 (proxy)" not in {seen.what for seen in asked_by_ipv6(changed)}
    assert changed["proxy"].current == 2


def test_an_upgrade_of_debians_packages_is_seen_by_ipv6_too(stage: Stage) -> None:
    stage["proxy"].offers = Upgrades((Version("nftables", "1.1.3-1", "1.1.3-2", debian=True),))
    stage.here = lambda question: ("upgrade" not in stage["proxy"].calls or question[1] != PUBLIC6, "no answer")
    with pytest.raises(DeployError, match=r"not all is well: .*port 25 from outside, by IPv6 \(proxy\): no answer"):
        deploy(evolve(stage.deploying(), upgrade=True))
