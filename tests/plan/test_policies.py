"""The texts that a domain publishes, one by one."""

from __future__ import annotations

from mailnix import MtaStsMode
from mailnix.plan.policies import mta_sts_policy


def test_the_policy_file_names_each_mx() -> None:
    policy = mta_sts_policy(MtaStsMode.TESTING, ["mx1.example.org", "mx2.example.org"])
    assert policy.splitlines() == [
        "version: STSv1",
        "mode: testing",
        "mx: mx1.example.org",
        "mx: mx2.example.org",
        "max_age: 604800",
    ]


def test_the_policy_that_says_that_there_is_none_is_kept_for_a_day() -> None:
    policy = mta_sts_policy(MtaStsMode.NONE, ["mail.example.org"])
    assert policy.splitlines() == ["version: STSv1", "mode: none", "mx: mail.example.org", "max_age: 86400"]
