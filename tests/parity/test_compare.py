"""Differences are found, and each must have its reason; a reason without a difference is one too many."""

from __future__ import annotations

import attrs

from tests.parity.compare import NOTHING, THERE, Difference, Reason, differences, judge

DEBIAN = {"unit": {"caddy.service Restart": "on-failure", "caddy.service User": "caddy"}, "sysctl": {"a": "1"}}
NIXOS = {"unit": {"caddy.service Restart": "always", "caddy.service User": "caddy"}, "sysctl": {"a": "1", "b": "2"}}
RESTART = Difference("proxy", "unit", "caddy.service Restart", "on-failure", "always")
MORE = Difference("proxy", "sysctl", "b", NOTHING, THERE)


def test_what_differs_and_what_one_lacks_is_found() -> None:
    assert tuple(differences("proxy", DEBIAN, NIXOS)) == (MORE, RESTART)


def test_a_kind_that_one_machine_lacks_is_many_differences() -> None:
    assert len(tuple(differences("proxy", DEBIAN, {"unit": NIXOS["unit"]}))) == 2


def test_a_unit_that_one_machine_lacks_is_one_difference() -> None:
    (found,) = differences(
        "proxy", {"unit": {**DEBIAN["unit"], "x.timer Unit": "x", "x.timer state": "up"}}, {"unit": DEBIAN["unit"]}
    )
    assert found == Difference("proxy", "unit", "x.timer", THERE, NOTHING)


def test_of_a_file_that_one_machine_lacks_the_mode_counts() -> None:
    (found,) = differences("proxy", {"file": {"/a": "link"}}, {"file": {"/a": "link", "/run/k": "file 0644 root:root"}})
    assert found == Difference("proxy", "file", "/run/k", NOTHING, "file 0644 root:root")


def test_machines_that_are_the_same_differ_in_nothing() -> None:
    assert not tuple(differences("proxy", DEBIAN, DEBIAN))


def test_a_difference_without_a_reason_is_told() -> None:
    verdict = judge([RESTART, MORE], [Reason("it is NixOS's default", "sysctl", "b")])
    assert verdict.unexplained == (RESTART,)
    assert not verdict.stale
    assert "on-failure" in str(verdict)


def test_a_reason_that_explains_nothing_any_more_is_told() -> None:
    reason = Reason("they used to differ", "unit", "caddy.service User")
    assert judge([], [reason]).stale == (reason,)
    assert "they used to differ" in str(judge([], [reason]))


def test_a_reason_holds_for_its_values_alone() -> None:
    narrow = Reason("a crash", "unit", r"caddy\.service Restart", debian="on-failure", nixos="on-abort")
    assert judge([RESTART], [narrow]).unexplained == (RESTART,)


def test_a_reason_holds_for_its_machine_alone() -> None:
    reason = Reason("of the machine at home", "unit", ".*", machine="internal")
    assert judge([RESTART], [reason]).unexplained == (RESTART,)


def test_a_reason_is_about_the_whole_of_a_name() -> None:
    assert not Reason("Caddy", "unit", "caddy").explains(RESTART)


def test_a_literal_reason_is_no_pattern() -> None:
    reason = Reason("it is so", "unit", "caddy.service Restart", "on-failure", "always", literal=True)
    assert reason.explains(RESTART)
    for changed in ({"key": "caddyXservice Restart"}, {"debian": "no"}, {"nixos": "on-failure"}, {"kind": "file"}):
        assert not reason.explains(attrs.evolve(RESTART, **changed))
    assert not Reason("", "unit", ".*", ".*", ".*", literal=True).explains(RESTART)


def test_a_text_of_several_lines_is_matched_whole() -> None:
    found = Difference("proxy", "text", "/run/haraka-in/config/me", "a\nb\n", NOTHING)
    assert Reason("a file", "text", ".*", debian="a.*").explains(found)
