"""What hangs on a mailbox: filters, recipient maps, aliases of its own name, app passwords."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mailnix import Alias, AppPassword, Mailbox
from mailnix.adopt import Adopted, Existing, adopted
from mailnix.adopt.existing import TEXT_MAX, Row, rows
from tests.adopt.conftest import ANSWERS, HOST

ALICE = "alice@example.org"
ME = "me@elsewhere.example"
FORWARD = f'redirect "{ME}";'


def made(**held: Any) -> Adopted:
    """Of a Mailcow with alice and bob, and rows of these kinds."""
    domain = Row({"domain_name": "example.org", "max_quota_for_mbox": 2**30})
    names = ("alice", "bob")
    common = {"domain": "example.org", "quota": 2**30}
    boxes = [{"username": f"{name}@example.org", "local_part": name, **common} for name in names]
    alias = {"address": "postmaster@example.org", "domain": "example.org", "goto": ALICE}
    aliases = rows([alias, *held.pop("aliases", ())])
    more: dict[str, Any] = {name: rows(items) for name, items in held.items()}
    return adopted(Existing("x", HOST, domains=(domain,), mailboxes=rows(boxes), aliases=aliases, **more), ANSWERS)


def alice(of: Adopted) -> Mailbox:
    return of.topology.domains[0].mailboxes[0]


def a_filter(**changed: Any) -> Mapping[str, Any]:
    return {"username": ALICE, "script_desc": "mine", "script_data": FORWARD, "active": 1, **changed}


def test_a_filter_that_hands_on_is_forward_to() -> None:
    found = made(filters=[a_filter()])
    assert (alice(found).forward_to, alice(found).keep_copy) == ((ME,), False)
    assert "Mailcow hands on what is spam, too; described, that stays here" in found.notes


def test_two_of_them_are_one_and_a_copy_stays_only_where_both_leave_it() -> None:
    copying = a_filter(script_data=f'require "copy"; redirect :copy "bob@example.org"; redirect :copy "{ME}";')
    assert (alice(made(filters=[copying])).forward_to, alice(made(filters=[copying])).keep_copy) == (("bob", ME), True)
    both = alice(made(filters=[copying, a_filter()]))
    assert (both.forward_to, both.keep_copy) == (("bob", ME), False)


def test_spam_is_not_spoken_of_where_it_stays_with_us() -> None:
    found = made(filters=[a_filter(script_data='redirect "bob@example.org";')])
    assert alice(found).forward_to == ("bob",)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"active": 0}, "its filter 'mine', switched off, is in Mailcow's database"),
        ({"script_data": 'fileinto "X";'}, "its filter 'mine' is in Mailcow's database"),
        ({"script_data": FORWARD + " " * TEXT_MAX + "discard;"}, "its filter 'mine' is in Mailcow's database"),
    ],
)
def test_a_filter_that_is_off_or_does_more_is_a_comment(changed: dict[str, Any], said: str) -> None:
    found = made(filters=[a_filter(**changed)])
    assert alice(found).forward_to == ()
    assert [note for note in found.notes if said in note] != []


def test_a_recipient_map_of_a_mailbox_is_forward_to_and_of_another_address_an_alias() -> None:
    maps = [
        {"recipient_map_old": ALICE, "recipient_map_new": ME},
        {"recipient_map_old": "Sales@example.org", "recipient_map_new": "bob@example.org"},
    ]
    found = made(recipient_maps=maps)
    assert (alice(found).forward_to, alice(found).keep_copy) == ((ME,), False)
    assert Alias("sales", to=["bob"]) in found.topology.domains[0].aliases


@pytest.mark.parametrize(
    "row",
    [
        {"recipient_map_old": "@example.org", "recipient_map_new": ALICE},
        {"recipient_map_old": "postmaster@example.org", "recipient_map_new": ME},
        {"recipient_map_old": "x@elsewhere.example", "recipient_map_new": ME},
        {"recipient_map_old": "sales@example.org", "recipient_map_new": "@elsewhere.example"},
        {"recipient_map_old": ALICE, "recipient_map_new": ME, "active": 0},
    ],
    ids=["of a domain", "of an alias", "of another's", "to a domain", "off"],
)
def test_another_recipient_map_is_a_comment(row: dict[str, Any]) -> None:
    found = made(recipient_maps=[row])
    assert found.topology == made().topology
    assert f"recipient map of {row['recipient_map_old']} to {row['recipient_map_new']}" in " ".join(found.notes)


def test_an_alias_of_a_mailboxs_own_name_keeps_and_hands_on() -> None:
    found = made(aliases=[{"address": ALICE, "domain": "example.org", "goto": f"{ALICE}, {ME}"}])
    assert (alice(found).forward_to, alice(found).keep_copy) == ((ME,), True)
    assert [alias.local_part for alias in found.topology.domains[0].aliases] == ["postmaster"]
    away = made(aliases=[{"address": ALICE, "domain": "example.org", "goto": ME}])
    assert (alice(away).forward_to, alice(away).keep_copy) == ((ME,), False)


def test_a_bcc_map_stays_in_mailcow_or_mail_would_come_twice() -> None:
    found = made(bcc_maps=[{"local_dest": ALICE, "bcc_dest": ME, "type": "sender"}])
    assert alice(found).forward_to == ()
    assert f"BCC map of {ALICE}: what it sends is copied to {ME}" in " ".join(found.notes)


def test_app_passwords_of_ours_are_described_and_others_are_comments() -> None:
    phone = {"mailbox": ALICE, "imap_access": 1, "smtp_access": "1", "dav_access": 0, "password": "{BLF-CRYPT}$2y$x"}
    found = made(app_passwords=[{**phone, "name": "phone"}, {**phone, "name": "mailnix: tablet"}])
    assert alice(found).app_passwords == (AppPassword("tablet", ["imap", "smtp"]),)
    assert [note for note in found.notes if note.startswith("its app password 'phone' (imap, smtp)")] != []
    assert "BLF-CRYPT" not in found.text


def test_one_that_no_description_can_have_is_left_out_and_said() -> None:
    found = made(filters=[a_filter(script_data=f'redirect "{ALICE}";')])
    assert alice(found).forward_to == ()
    assert [note for note in found.notes if "forward_to of" in note and "is left out" in note] != []
