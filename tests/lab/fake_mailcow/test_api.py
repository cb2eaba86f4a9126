"""The fake Mailcow refuses what Mailcow refuses, so that mistakes of whoever calls it come to light in the lab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailnix.lab.fake_mailcow.guest.api.dkim import SPOILT, is_spoilt
from mailnix.lab.fake_mailcow.guest.api.routes import Routes
from mailnix.services.mailcow.guest.domains import TRIES
from tests.lab.fake_mailcow.conftest import DOMAIN, HOST, MAILBOX, FakeRedis, Get, Post

Import = Callable[..., list[Any]]
MIB = 2**20


def no(*message: object) -> list[Any]:
    return [("no", message[0] if len(message) == 1 else list(message))]


class TestDomains:
    def test_a_new_domain_gets_a_key_of_its_own(self, post: Post, get: Get) -> None:
        assert post("add/domain", DOMAIN) == [["dkim_added", "example.org"], ["domain_added", "example.org"]]
        assert get("get/dkim/example.org")["dkim_selector"] == "dkim"

    def test_a_new_domain_keeps_the_key_that_was_imported_before(
        self, post: Post, get: Get, import_key: Import
    ) -> None:
        import_key()
        assert post("add/domain", DOMAIN) == ["domain_add_dkim_available", ["domain_added", "example.org"]]
        assert get("get/dkim/example.org")["dkim_selector"] == "mail"

    def test_its_own_host_name_is_no_domain(self, post: Post) -> None:
        assert post("add/domain", {"domain": HOST}) == no("domain_cannot_match_hostname")

    @pytest.mark.usefixtures("filled")
    def test_a_domain_is_added_once(self, post: Post) -> None:
        assert post("add/domain", DOMAIN) == no("domain_exists", "example.org")

    @pytest.mark.parametrize(
        ("quotas", "message"),
        [
            ({"defquota": 20000}, "mailbox_defquota_exceeds_mailbox_maxquota"),
            ({"maxquota": 20000}, "mailbox_quota_exceeds_domain_quota"),
            ({"defquota": 0}, "defquota_empty"),
            ({"defquota": 0, "maxquota": 0}, "defquota_empty"),
        ],
    )
    def test_quotas_must_fit_into_each_other(self, post: Post, quotas: dict[str, int], message: str) -> None:
        assert post("add/domain", {**DOMAIN, **quotas}) == no(message)

    @pytest.mark.usefixtures("filled")
    def test_an_edit_leaves_what_it_does_not_name(self, post: Post, get: Get) -> None:
        assert post("edit/domain", {"items": ["example.org"], "attr": {"mailboxes": 77}}) == [
            ["domain_modified", "example.org"]
        ]
        domain = get("get/domain/example.org")
        assert (domain["max_num_mboxes_for_domain"], domain["max_num_aliases_for_domain"]) == (77, 400)
        assert domain["max_quota_for_domain"] == 10240 * MIB

    @pytest.mark.usefixtures("filled")
    def test_limits_cannot_fall_below_what_is_in_use(self, post: Post) -> None:
        body = {"items": ["example.org"], "attr": {"mailboxes": 0}}
        assert post("edit/domain", body) == no("mailboxes_in_use", 1)
        body = {"items": ["example.org"], "attr": {"defquota": 100, "maxquota": 200}}
        assert post("edit/domain", body) == no("max_quota_in_use", 1024)

    @pytest.mark.usefixtures("filled")
    def test_a_domain_with_mailboxes_stays(self, post: Post) -> None:
        assert post("delete/domain", ["example.org"]) == no("domain_not_empty", "example.org")


@pytest.mark.usefixtures("filled")
class TestMailboxes:
    def test_a_mailbox_is_added_once(self, post: Post) -> None:
        assert post("add/mailbox", MAILBOX) == no("object_exists", "alice@example.org")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"local_part": ""}, "mailbox_invalid"),
            ({"domain": "example.net"}, "access_denied"),
            ({"password2": "other1"}, "password_mismatch"),
            ({"password": "short", "password2": "short"}, "password_complexity"),
            ({"quota": 10241}, ["mailbox_quota_exceeded", 10240]),
            ({"quota": 9999}, ["mailbox_quota_left_exceeded", 9216]),
        ],
    )
    def test_a_mailbox_must_fit(self, post: Post, change: dict[str, object], message: object) -> None:
        assert post("add/mailbox", {**MAILBOX, "local_part": "bob", **change}) == no(message)

    def test_a_domain_takes_as_many_as_it_says(self, post: Post) -> None:
        post("edit/domain", {"items": ["example.org"], "attr": {"mailboxes": 1}})
        assert post("add/mailbox", {**MAILBOX, "local_part": "bob"}) == no("max_mailbox_exceeded", 1, 1)

    def test_without_a_name_it_has_an_empty_one(self, post: Post, get: Get) -> None:
        post("add/mailbox", {key: value for key, value in MAILBOX.items() if key != "name"} | {"local_part": "bob"})
        assert get("get/mailbox/bob@example.org")["name"] == ""

    def test_brackets_around_a_name_are_not_kept(self, post: Post, get: Get) -> None:
        post("edit/mailbox", {"items": ["alice@example.org"], "attr": {"name": "<Al <x>>"}})
        assert get("get/mailbox/alice@example.org")["name"] == "Al <x"

    def test_a_name_longer_than_its_column_has_no_answer(self, routes: Routes, get: Get) -> None:
        body = {**MAILBOX, "local_part": "bob", "name": "y" * 256}
        assert routes.call("POST", "add/mailbox", body, write=True) == (200, None)
        change = {"items": ["alice@example.org"], "attr": {"name": "y" * 256}}
        assert routes.call("POST", "edit/mailbox", change, write=True) == (200, None)
        assert [row["name"] for row in get("get/mailbox/all")] == ["Alice"]

    def test_those_of_a_domain_that_is_not_there_are_all_that_there_are(self, get: Get) -> None:
        assert [row["username"] for row in get("get/mailbox/all/example.net")] == ["alice@example.org"]

    def test_a_mailbox_that_is_not_there_has_no_limit(self, post: Post) -> None:
        body = {"items": ["bob@example.org"], "attr": {"rl_value": 5, "rl_frame": "h"}}
        assert post("edit/rl-mbox", body) == no("access_denied")

    def test_an_address_comes_back_as_it_would_stand_in_a_page(self, post: Post) -> None:
        assert post("add/mailbox", {**MAILBOX, "local_part": "o'b"}) == [["mailbox_added", "o&#039;b@example.org"]]

    def test_an_alias_keeps_its_address(self, post: Post) -> None:
        post("add/alias", {"address": "bob@example.org", "goto": "alice@example.org", "active": 1})
        assert post("add/mailbox", {**MAILBOX, "local_part": "bob"}) == no("is_alias", "bob@example.org")

    def test_switched_off_it_takes_no_mail_by_its_alias_row_either(self, post: Post, get: Get) -> None:
        post("edit/mailbox", {"items": ["alice@example.org"], "attr": {"active": 0}})
        assert get("get/mailbox/alice@example.org")["active"] == 0

    def test_tags_are_kept(self, post: Post, get: Get) -> None:
        post("edit/mailbox", {"items": ["alice@example.org"], "attr": {"tags": ["mailnix"]}})
        assert get("get/mailbox/all/example.org")[0]["tags"] == ["mailnix"]


@pytest.mark.usefixtures("filled")
class TestAliases:
    def test_what_is_not_sent_is_off(self, post: Post, get: Get) -> None:
        post("add/alias", {"address": "team@example.org", "goto": "alice@example.org"})
        (alias,) = get("get/alias/all")
        assert (alias["active"], alias["sender_allowed"]) == (0, 0)

    def test_a_mailbox_keeps_its_address(self, post: Post) -> None:
        answer = post("add/alias", {"address": "alice@example.org", "goto": "x@example.org"})
        assert answer == no("is_alias_or_mailbox", "alice@example.org")

    def test_an_alias_leads_somewhere(self, post: Post) -> None:
        assert post("add/alias", {"address": "team@example.org", "goto": ""}) == no("goto_empty")
        answer = post("add/alias", {"address": "team@example.net", "goto": "alice@example.org"})
        assert answer == no("domain_not_found", "example.net")

    def test_an_alias_of_itself_is_none_and_nobody_says_so(self, post: Post, get: Get) -> None:
        assert post("add/alias", {"address": "me@example.org", "goto": "me@example.org"}) == ["Task completed"]
        both = {"address": "me@example.org", "goto": "me@example.org,alice@example.org"}
        assert post("add/alias", both) == ["Task completed"]
        assert get("get/alias/all") == {}

    def test_itself_among_new_targets_is_refused_and_the_rest_counts(self, post: Post, get: Get) -> None:
        post("add/alias", {"address": "team@example.org", "goto": "alice@example.org", "active": 1})
        change = {"items": ["team@example.org"], "attr": {"goto": "team@example.org,x@example.net"}}
        assert post("edit/alias", change) == [*no("alias_goto_identical"), ["alias_modified", "team@example.org"]]
        assert get("get/alias/all")[0]["goto"] == "x@example.net"

    def test_a_target_without_a_domain_is_refused_without_its_name(self, post: Post) -> None:
        assert post("add/alias", {"address": "team@example.org", "goto": "nobody"}) == no("goto_invalid", "@")

    def test_one_that_is_not_there_is_refused_without_its_name(self, post: Post) -> None:
        assert post("edit/alias", {"items": [99], "attr": {"goto": "x@example.net"}}) == no("alias_invalid", None)

    def test_it_is_changed_and_removed_by_its_number(self, post: Post, get: Get) -> None:
        post("add/alias", {"address": "team@example.org", "goto": "alice@example.org", "active": 1})
        number = get("get/alias/all")[0]["id"]
        post("edit/alias", {"items": [number], "attr": {"goto": "alice@example.org,x@example.net"}})
        (alias,) = get("get/alias/all")
        assert (alias["goto"], alias["active"]) == ("alice@example.org,x@example.net", 1)
        assert post("delete/alias", [number]) == [["alias_removed", "team@example.org"]]
        assert get("get/alias/all") == {}


class TestKeys:
    def test_an_imported_key_shows_its_public_half(self, get: Get, import_key: Import) -> None:
        assert import_key()[-1] == ["dkim_added", "example.org"]
        key = get("get/dkim/example.org")
        assert (key["length"], key["privkey"], key["dkim_selector"]) == ("2048", "", "mail")
        assert key["dkim_txt"].endswith(key["pubkey"])

    def test_a_key_is_replaced_only_on_demand(self, import_key: Import) -> None:
        import_key()
        assert import_key() == no("dkim_domain_or_sel_exists", "example.org")
        assert import_key(overwrite_existing=1)[-1] == ["dkim_added", "example.org"]

    def test_a_sound_one_is_refused_as_often_as_by_mailcow_in_no_order_and_not_for_long(self) -> None:
        refused = [is_spoilt(number) for number in range(1000)]
        assert refused[0]
        assert sum(refused) / len(refused) == pytest.approx(SPOILT, abs=0.01)
        assert max(map(len, "".join("x" if each else " " for each in refused).split())) < TRIES

    def test_no_key_is_refused(self, post: Post) -> None:
        ((_, message),) = post("add/dkim_import", {"domain": "example.org", "private_key_file": "no"})
        assert message[0] == "private_key_error"

    def test_rspamd_finds_it_by_selector_and_domain(self, import_key: Import, redis: FakeRedis, pem: str) -> None:
        import_key()
        assert redis.hashes["DKIM_PRIV_KEYS"] == {"mail.example.org": pem.strip()}


class TestAdmins:
    def test_there_is_one_from_the_start(self, get: Get) -> None:
        (admin,) = get("get/admin/all")
        assert (admin["username"], admin["active"]) == ("admin", 1)

    def test_the_last_one_stays_active(self, post: Post, get: Get) -> None:
        post("edit/admin", {"items": ["admin"], "attr": {"active": 0}})
        assert get("get/admin/admin")["active"] == 1


class TestRoutes:
    def test_an_empty_list_is_an_object(self, get: Get) -> None:
        assert get("get/domain/all") == {}

    def test_changes_are_posted(self, routes: Routes) -> None:
        assert routes.call("GET", "add/domain", None, write=True)[0] == 405

    def test_a_key_that_may_only_read_changes_nothing(self, routes: Routes) -> None:
        assert routes.call("POST", "add/domain", DOMAIN, write=False)[0] == 403

    def test_a_call_without_a_body_is_told_so(self, routes: Routes) -> None:
        status, found = routes.call("POST", "add/domain", None, write=True)
        assert (status, found) == (200, {"type": "error", "msg": "Cannot find attributes in post data"})

    def test_an_edit_of_nothing_is_done(self, post: Post) -> None:
        assert post("edit/mailbox", {"attr": {"active": 1}}) == ["Task completed"]

    def test_what_is_not_there_is_404(self, routes: Routes) -> None:
        assert routes.call("POST", "add/syncjob", {}, write=True)[0] == 404
