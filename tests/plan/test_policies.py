"""The texts that a domain publishes, one by one."""

from __future__ import annotations

from mailnix import MtaStsMode
from mailnix.plan.policies import caa, mta_sts_policy


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


def test_our_authority_with_parameters_is_not_widened_by_its_bare_name() -> None:
    named = "letsencrypt.org; accounturi=https://acme.example/acct/1"
    assert [*caa([named], "mailto:me@example.org")][:-1] == [f'0 issue "{named}"']
    assert next(iter(caa(["pki.goog"], "mailto:me@example.org"))) == '0 issue "letsencrypt.org"'
