"""The shipped programs bring Mailcow to what is described, and then find nothing to do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Mailbox, Topology
from mailnix.run import Completed
from mailnix.secrets.bundles import mailboxes
from rig.mailcow import Mailcow
from tests.real.description import DESCRIPTION, IDN, OUTSIDE, with_first_domain
from tests.real.logins import accepted, admin_accepted
from tests.real.said import changes

MIB = 2**20
FIRST = DESCRIPTION.domains[0]


@pytest.fixture
def restored(provisioned: Mailcow) -> Iterator[Mailcow]:
    """Back to the description in the end."""
    yield provisioned
    provisioned.describe(DESCRIPTION)
    provisioned.provision(check=False)


def test_the_api_is_that_of_the_pinned_mailcow(machine: Mailcow) -> None:
    assert machine.api().call("get/status/version").body == {"version": machine.pin.tag}


def test_everything_is_made_in_one_run(first_run: Completed) -> None:
    things = sum(2 + len(domain.mailboxes) + len(domain.aliases) for domain in DESCRIPTION.domains)  # 2: domain and key
    assert changes(first_run) == things + 1  # the admin's password


def test_a_second_run_finds_nothing_to_do(provisioned: Mailcow) -> None:
    assert changes(provisioned.provision()) == 0


def test_domains_have_the_keys_that_dns_publishes(provisioned: Mailcow) -> None:
    bundle = json.loads(provisioned.secret("mailcow.dkim"))
    for name, selector in ((FIRST.name, "dkim"), (IDN, "s2026")):
        assert bundle[name]["selector"] == selector
        assert provisioned.api().call(f"get/dkim/{name}").body["dkim_selector"] == selector


def test_mailboxes_have_their_names_quotas_and_limits(provisioned: Mailcow) -> None:
    rows = {row["username"]: row for row in provisioned.api().rows("get/mailbox/all")}
    assert rows["alice@example.org"]["name"] == "Alice Ångström"
    assert rows["u4@example.org"]["name"] == "Zoë 😀"
    assert rows["o.brien-x_y@example.org"]["name"] == 'O\'Brien & "Co"'
    assert rows[f"dave@{IDN}"]["quota"] == 500 * MIB
    assert rows["u3@example.org"]["rl"] is False
    assert rows["bob@example.org"]["rl"]["value"] == "300"


def test_the_first_passwords_let_people_in_and_no_others(provisioned: Mailcow) -> None:
    passwords = json.loads(provisioned.secret("mailcow.mailboxes"))
    for user in mailboxes(DESCRIPTION):
        for service in ("imap", "smtp"):
            assert accepted(provisioned, user, passwords[user], service), (user, service)
    assert not accepted(provisioned, "alice@example.org", "wrong", "imap")


def test_the_admins_first_password_is_replaced(provisioned: Mailcow) -> None:
    assert admin_accepted(provisioned, provisioned.secret("mailcow.admin-password"))
    assert not admin_accepted(provisioned, "moohoo")


CHANGES = {
    "a quota": with_first_domain(
        mailboxes=[Mailbox("alice", name="Alice Ångström", quota="1 GiB"), *FIRST.mailboxes[1:]]
    ),
    "a name": with_first_domain(mailboxes=[Mailbox("alice", name="A. Å."), *FIRST.mailboxes[1:]]),
    "a limit": with_first_domain(
        mailboxes=[Mailbox("alice", name="Alice Ångström", sends_per_hour=5), *FIRST.mailboxes[1:]]
    ),
    "a mailbox more": with_first_domain(mailboxes=[*FIRST.mailboxes, Mailbox("newcomer")]),
    "a mailbox less": with_first_domain(mailboxes=FIRST.mailboxes[:-1]),
    "an alias more": with_first_domain(aliases=[*FIRST.aliases, Alias("sales", to=["bob"])]),
    "an alias less": with_first_domain(aliases=FIRST.aliases[:-1]),
    "an alias that leads elsewhere": with_first_domain(aliases=[*FIRST.aliases[:-1], Alias("ext", to=["x" + OUTSIDE])]),
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_a_change_is_made_once_and_its_way_back_too(restored: Mailcow, changed: Topology) -> None:
    restored.describe(changed)
    assert changes(restored.provision()) == 1
    assert changes(restored.provision()) == 0
    restored.describe(DESCRIPTION)
    assert changes(restored.provision()) == 1
    assert changes(restored.provision()) == 0


def test_a_new_domain_comes_with_its_key_and_mailboxes(restored: Mailcow) -> None:
    more = Domain("example.net", mailboxes=[Mailbox("gina")], aliases=[Alias("postmaster", to=["gina"])])
    restored.describe(evolve(DESCRIPTION, domains=[*DESCRIPTION.domains, more]))
    assert changes(restored.provision()) == 4
    assert changes(restored.provision()) == 0


def test_a_new_mailbox_is_one_call_and_one_that_is_there_none(restored: Mailcow) -> None:
    def calls(mailboxes: int) -> int:
        more = [Mailbox(f"person{number}") for number in range(mailboxes)]
        restored.describe(with_first_domain(mailboxes=[*FIRST.mailboxes, *more]))
        before = restored.calls()
        restored.provision()
        return restored.calls() - before

    nothing = calls(0)
    assert calls(10) == nothing + 10
    assert calls(10) == nothing
    assert calls(30) == nothing + 20
