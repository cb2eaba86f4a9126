"""A domain is taken out of the description: it has moved elsewhere, and nothing here may hold its mail back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailnix import Alias, Domain, Topology
from mailnix.services.mailcow.guest.domains import MARK

from .faked import Mailcow, Pem, domain, made_by_hand, running

NET = Domain("example.net", ["dora", "emil"], [Alias("info", ["dora"])], catch_all=["emil"])
MIRROR = Domain("example.net", alias_of="example.org")


@pytest.fixture
def mailcow(topology: Topology, pem: Pem, tmp_path: Path) -> Iterator[Mailcow]:
    with running(tmp_path) as api:
        yield Mailcow(api, topology, pem, tmp_path)


def active(mailcow: Mailcow, kind: str, name: str, key: str) -> int:
    return next(int(row["active"]) for row in mailcow.api.items(f"get/{kind}/all") if row[key] == name)


def boxes(mailcow: Mailcow) -> dict[str, Any]:
    return {row["username"]: int(row["active"]) for row in mailcow.api.items("get/mailbox/all/example.net")}


def test_it_is_switched_off_with_its_mailboxes_and_has_no_aliases_any_more(mailcow: Mailcow) -> None:
    mailcow.has(domain(), NET)
    assert mailcow.has(domain()) == []
    assert active(mailcow, "domain", "example.net", "domain_name") == 0
    assert boxes(mailcow) == {"dora@example.net": 0, "emil@example.net": 0}
    assert mailcow.aliases() == {}
    assert [mailcow.finds(f"{name}@example.net") for name in ("dora", "info", "any")] == ["", "", ""]
    assert not [path for path in mailcow.api.paths() if path in ("delete/domain", "delete/mailbox")]


def test_it_comes_back_as_it_was(mailcow: Mailcow) -> None:
    mailcow.has(domain(), NET)
    mailcow.has(domain())
    assert mailcow.has(domain(), NET) == []
    assert active(mailcow, "domain", "example.net", "domain_name") == 1
    assert boxes(mailcow) == {"dora@example.net": 1, "emil@example.net": 1}
    found = [mailcow.finds(f"{name}@example.net") for name in ("dora", "info", "any")]
    assert found == ["dora@example.net", "dora@example.net", "emil@example.net"]


def test_a_mirror_is_switched_off_without_what_it_mirrored_and_comes_back(mailcow: Mailcow) -> None:
    org = domain("alice", aliases=[Alias("info", ["alice"])])
    mailcow.has(org, MIRROR)
    assert mailcow.has(org) == []
    assert active(mailcow, "alias-domain", "example.net", "alias_domain") == 0
    assert [mailcow.finds(f"{name}@example.net") for name in ("alice", "info")] == ["", ""]
    assert mailcow.finds("info@example.org") == "alice@example.org"
    assert mailcow.has(org, MIRROR) == []
    assert [mailcow.finds(f"{name}@example.net") for name in ("alice", "info")] == ["alice@example.org"] * 2


def test_both_go_together(mailcow: Mailcow) -> None:
    com = Domain("example.com", ["gina"], [Alias("info", ["gina"])])
    mailcow.has(com, domain("alice", aliases=[Alias("info", ["alice"])]), MIRROR)
    assert mailcow.has(com) == []
    assert active(mailcow, "alias-domain", "example.net", "alias_domain") == 0
    assert active(mailcow, "domain", "example.org", "domain_name") == 0
    assert mailcow.aliases() == {"info@example.com": "gina@example.com"}


def test_what_others_made_in_it_stays(mailcow: Mailcow, capsys: pytest.CaptureFixture[str]) -> None:
    mailcow.has(domain(), NET)
    made_by_hand(mailcow, "hans@example.net")
    assert mailcow.has(domain()) == []
    assert boxes(mailcow)["hans@example.net"] == 1
    assert "hans@example.net: not described, left as it is" in capsys.readouterr().out


def test_those_that_no_description_had_stay(mailcow: Mailcow, capsys: pytest.CaptureFixture[str]) -> None:
    mailcow.has(domain())
    mailcow.api.add("domain", {"domain": "example.net", "active": 1})
    made_by_hand(mailcow, "hans@example.net", quota=1)
    mailcow.api.add("alias-domain", {"alias_domain": "example.com", "target_domain": "example.org", "active": 1})
    assert mailcow.has(domain()) == []
    assert mailcow.api.writes == []
    said = capsys.readouterr().out
    assert "example.com: not described, left as it is" in said
    assert "example.net: not described, left as it is" in said


def test_those_that_were_there_before_are_marked_once_and_switched_off(mailcow: Mailcow) -> None:
    mailcow.has(domain())
    mailcow.api.add("domain", {"domain": "example.net", "active": 1})
    mailcow.api.add("alias-domain", {"alias_domain": "example.com", "target_domain": "example.org", "active": 1})
    com = Domain("example.com", alias_of="example.org")
    assert mailcow.has(domain(), Domain("example.net", ["dora"]), com) == []
    tags = {row["domain_name"]: row["tags"] for row in mailcow.api.items("get/domain/all")}
    assert tags == {"example.org": [MARK, f"{MARK}-mirror:example.com"], "example.net": [MARK]}
    assert mailcow.has(domain()) == []
    assert active(mailcow, "domain", "example.net", "domain_name") == 0
    assert active(mailcow, "alias-domain", "example.com", "alias_domain") == 0


def test_a_domain_that_is_refused_is_still_described(mailcow: Mailcow) -> None:
    mailcow.has(domain(), NET)
    refusals = mailcow.has(domain(), MIRROR)
    assert refusals[0].startswith("example.net: is a domain of its own in Mailcow")
    assert boxes(mailcow) == {"dora@example.net": 1, "emil@example.net": 1}


def test_a_domain_with_a_mailbox_that_mailcow_keeps_on_is_tried_again(mailcow: Mailcow) -> None:
    mailcow.has(domain(), NET)
    edit, refuse = mailcow.api.edit, True

    def refused(kind: str, item: object, attributes: Any) -> None:
        edit(kind, "nobody@example.net" if refuse and item == "dora@example.net" else item, attributes)

    mailcow.api.edit = refused  # type: ignore[method-assign]  # as the API is another's
    assert mailcow.once(domain()).refusals != []
    assert active(mailcow, "domain", "example.net", "domain_name") == 1
    refuse = False
    assert mailcow.has(domain()) == []
    assert active(mailcow, "domain", "example.net", "domain_name") == 0


def test_one_that_is_off_takes_no_call(mailcow: Mailcow) -> None:
    def calls() -> int:
        mailcow.api.calls.clear()
        mailcow.once(domain())
        return len(mailcow.api.calls)

    alone = (calls(), calls())[1]
    mailcow.has(domain(), NET)
    mailcow.has(domain())
    assert calls() == alone
