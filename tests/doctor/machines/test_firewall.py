"""The planned firewall against the loaded one, as the kernel and nft of this machine have them, in a network alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from mailnix.doctor.machines import program, proxy, reading
from mailnix.doctor.machines.asked import asked
from mailnix.doctor.values import Answer, Verdict
from mailnix.plan import HostPlan
from mailnix.run import run
from mailnix.services.firewall.render import script
from tests.doctor.machines import well
from tests.services.firewall.namespaces import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "runs")

ALONE = 'nft --file "$0" && eval "$1" && shift && exec "$@"'


def judged(folder: Path, host: HostPlan, change: str) -> list[Verdict]:
    """What is found after a shell's command has changed what is loaded; the program is the real one."""
    rules = folder / "rules.nft"
    rules.write_text(script(host))
    sent = program.sent(asked(well.PLAN, host, ["firewall"]))
    done = run(("unshare", "--net", "sh", "-c", ALONE, rules, change, *program.words()), stdin=sent, timeout=60)
    said = reading.read(json.loads(done.stdout))
    assert not said.unasked
    base = well.proxy() if host is well.PROXY else well.home()
    check = next(each for each in proxy.GROUP.checks if each.id == "proxy.firewall")
    return [*check.judge((well.seen(evolve(base, firewall=said.firewall), host),))]


@pytest.fixture(params=[well.PROXY, well.HOME], ids=["proxy", "home"])
def host(request: pytest.FixtureRequest) -> HostPlan:
    found: HostPlan = request.param
    return found


def test_what_is_loaded_as_planned_is_well(tmp_path: Path, host: HostPlan) -> None:
    (verdict,) = judged(tmp_path, host, ":")
    assert (verdict.answer, verdict.advice) == (Answer.WELL, "")


BANNED = "nft add element inet mailnix banned4 '{ 198.51.100.7 timeout 5m }'"
COUNTED = "nft add element inet mailnix smtp4 '{ 198.51.100.7 limit rate over 60/minute burst 120 packets }'"


@pytest.mark.parametrize("change", [BANNED, COUNTED], ids=["a ban", "a client that is counted"])
def test_what_the_sets_fill_with_is_no_change(tmp_path: Path, change: str) -> None:
    (verdict,) = judged(tmp_path, well.PROXY, change)
    assert verdict.answer is Answer.WELL, verdict


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ("nft flush chain inet mailnix nobodies", "chain nobodies lacks: ip saddr @nobody4"),
        ("nft insert rule inet mailnix input tcp dport 3306 accept", "chain input has: tcp dport 3306 accept"),
        ("nft add chain inet mailnix input '{ policy accept; }'", "policy drop"),
        ("nft add chain inet mailnix mine", "chain mine is in it, and not planned"),
        ("nft delete element inet mailnix nobody4 '{ 127.0.0.0/8 }'", "set nobody4"),
        ("nft delete table inet mailnix", "is not loaded"),
        ("nft flush ruleset", "is not loaded"),
    ],
)
def test_a_change_by_hand_is_found(tmp_path: Path, change: str, evidence: str) -> None:
    (verdict,) = judged(tmp_path, well.PROXY, change)
    assert verdict.answer in (Answer.WRONG, Answer.ABSENT)
    assert evidence in verdict.evidence


def test_another_table_is_no_business_of_ours(tmp_path: Path, host: HostPlan) -> None:
    (verdict,) = judged(tmp_path, host, "nft add table ip filter && nft add chain ip filter DOCKER-USER")
    assert verdict.answer is Answer.WELL
