"""What people make in Mailcow's pages, which save by the same calls: lists, filters, settings of mailboxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rig.mailcow import Caller

ALICE: Final = "alice@example.org"
BOB: Final = "bob@example.org"
SPAMMER: Final = "/.*@never\\.example/i"
MAP: Final = "global_rcpt_blacklist.map"
RULE: Final = 'made { priority = 1; from = "a@b.example"; apply { actions { reject = 99; } } }'

ROOM: Final = {"description": "Room 1", "kind": "location"}


def _script(text: str) -> dict[str, object]:
    return {"script_data": text, "script_desc": "made in the pages"}


def _edit(kind: str, item: str, **attributes: object) -> tuple[str, object]:
    return f"edit/{kind}", {"items": [item], "attr": attributes}


MADE: Final[tuple[tuple[str, object], ...]] = (
    # rspamd's lists and limits, in the table filterconf
    ("add/domain-policy", {"domain": "example.org", "object_list": "wl", "object_from": "*@good.example"}),
    ("add/domain-policy", {"domain": "example.org", "object_list": "bl", "object_from": "bad@spam.example"}),
    ("add/mailbox-policy", {"username": ALICE, "object_list": "bl", "object_from": "*@noise.example"}),
    ("add/mailbox-policy", {"username": BOB, "object_list": "wl", "object_from": "friend@noise.example"}),
    _edit("spam-score", ALICE, spam_score="4,9"),
    # rules for rspamd, in settingsmap
    ("add/rsetting", {"content": RULE, "desc": "made in the pages", "active": 1}),
    # filters of mailboxes
    ("add/filter", {"username": ALICE, "filter_type": "prefilter", **_script("keep; # before"), "active": 1}),
    ("add/filter", {"username": BOB, "filter_type": "postfilter", **_script("keep; # after"), "active": 0}),
    # settings of mailboxes: quarantine, TLS
    _edit("quarantine_notification", ALICE, quarantine_notification="daily"),
    _edit("quarantine_category", ALICE, quarantine_category="all"),
    _edit("tls_policy", ALICE, tls_enforce_in=1, tls_enforce_out=1),
    # addresses and maps
    ("add/time_limited_alias", {"username": ALICE, "domain": "example.org", "description": "a shop", "validity": 24}),
    ("add/bcc", {"local_dest": BOB, "bcc_dest": ALICE, "type": "rcpt", "active": 1}),
    ("add/recipient_map", {"recipient_map_old": "a@else.example", "recipient_map_new": "b@else.example", "active": 1}),
    ("add/tls-policy-map", {"dest": "strict.example", "policy": "encrypt", "parameters": "", "active": 1}),
    ("add/resource", {**ROOM, "domain": "example.org", "multiple_bookings_select": "0", "active": 1}),
    # what is kept in Redis
    ("add/fwdhost", {"hostname": "192.0.2.77", "filter_spam": 1}),
    # what is kept in files
    ("add/global-filter", {"filter_type": "prefilter", "script_data": "keep; # for everybody"}),
    _edit("rspamd-map", MAP, rspamd_map_data=SPAMMER),
)
"""Calls that make something, each of another kind or place."""

LISTS: Final = (
    *("policy_wl_domain/example.org", "policy_bl_domain/example.org"),
    *(f"policy_bl_mailbox/{ALICE}", f"policy_wl_mailbox/{BOB}", f"spam-score/{ALICE}", "rsetting/all"),
    *(f"filters/{ALICE}", f"filters/{BOB}", f"time_limited_aliases/{ALICE}"),
    *("bcc/all", "recipient_map/all", "tls-policy-map/all", "resource/all", "fwdhost/all", "global_filters/prefilter"),
)
SETTINGS: Final = ("quarantine_notification", "quarantine_category", "tls_enforce_in", "tls_enforce_out")


def seen(api: Caller) -> Mapping[str, Any]:
    """What the pages show of it; rows come in no order."""
    bodies = {path: api.call(f"get/{path}").body for path in LISTS}
    found = {path: sorted(body, key=repr) if isinstance(body, list) else body for path, body in bodies.items()}
    attributes = api.call(f"get/mailbox/{ALICE}").body["attributes"]
    return {**found, **{name: attributes[name] for name in SETTINGS}}


def undone(api: Caller) -> Iterator[tuple[str, object]]:
    """Calls that take away, or change, all that was made."""
    for kind, paths in {
        "domain-policy": ("policy_wl_domain/example.org", "policy_bl_domain/example.org"),
        "mailbox-policy": (f"policy_bl_mailbox/{ALICE}", f"policy_wl_mailbox/{BOB}"),
    }.items():
        for path in paths:
            owner = path.rpartition("/")[2]
            yield f"delete/{kind}", [row["prefid"] for row in api.rows(f"get/{path}") if row["object"] == owner]
    for kind in ("rsetting", "bcc", "recipient_map", "tls-policy-map"):
        yield f"delete/{kind}", [row["id"] for row in api.rows(f"get/{kind}/all")]
    for user in (ALICE, BOB):
        yield "delete/filter", [row["id"] for row in api.rows(f"get/filters/{user}")]
    yield "delete/time_limited_alias", [row["address"] for row in api.rows(f"get/time_limited_aliases/{ALICE}")]
    yield "delete/resource", [row["name"] for row in api.rows("get/resource/all")]
    yield "delete/fwdhost", [row["host"] for row in api.rows("get/fwdhost/all")]
    yield _edit("spam-score", ALICE, spam_score="1,2")
    yield _edit("quarantine_notification", ALICE, quarantine_notification="never")
    yield _edit("quarantine_category", ALICE, quarantine_category="reject")
    yield _edit("tls_policy", ALICE, tls_enforce_in=0, tls_enforce_out=0)
    yield "add/global-filter", {"filter_type": "prefilter", "script_data": "keep;"}
    yield _edit("rspamd-map", MAP, rspamd_map_data="/.*@other\\.example/i")


def do(api: Caller, call: tuple[str, object]) -> None:
    """Raises AssertionError where Mailcow refuses."""
    path, body = call
    parts = api.call(path, body).body
    assert parts, path
    assert {part["type"] for part in parts} <= {"success", "warning"}, (path, parts)
