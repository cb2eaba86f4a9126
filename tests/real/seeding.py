"""A Mailcow as people have it who never heard of mailnix: made by calls to its API, as its pages make them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rig.mailcow import Caller

OLD: Final = "old.example"
IDN: Final = "xn--bcher-kva.example"
MIRROR: Final = "mirror.example"
ELSEWHERE: Final = "me@elsewhere.example"
PASSWORD: Final = "first-Password-1"
FORWARD: Final = f'require ["copy"];\n# holidays\nredirect :copy "{ELSEWHERE}";\n'
SORTING: Final = 'require "fileinto"; if header :contains "Subject" "x" { fileinto "X"; }'

Call = tuple[str, Mapping[str, Any]]
"""What is added, and its attributes."""


def seed(api: Caller) -> None:
    """Fill it; raises AssertionError where it refuses something."""
    for what, attributes in calls():
        body = api.call(f"add/{what}", dict(attributes)).body
        assert isinstance(body, list), (what, attributes, body)
        assert {part["type"] for part in body} == {"success"}, (what, attributes, body)
    edits = (
        ("mailbox", f"alice@{OLD}", {"sender_acl": [f"bob@{OLD}", f"@{MIRROR}"]}),
        ("rl-mbox", f"alice@{OLD}", {"rl_value": 100, "rl_frame": "h"}),
        ("rl-domain", IDN, {"rl_value": 10, "rl_frame": "m"}),
        ("domain", OLD, {"relayhost": 1}),
        ("domain", IDN, {"relayhost": 1}),
    )
    for what, item, changed in edits:
        body = api.call(f"edit/{what}", {"items": [item], "attr": changed}).body
        assert {part["type"] for part in body} == {"success"}, (what, item, body)


def calls() -> Iterator[Call]:
    """In their order."""
    yield from map(_domain, (OLD, IDN))
    yield _mailbox("alice", name="Alice Ä")
    yield _mailbox("bob", quota=2048, protocol_access=["imap", "smtp"])
    yield _mailbox("carol", domain=IDN)
    yield _mailbox("left", active=2)
    yield _mailbox("gone", active=0)
    yield "alias-domain", {"alias_domain": MIRROR, "target_domain": OLD, "active": 1}
    yield from map(_alias, (f"postmaster@{OLD}", f"@{OLD}"), (f"alice@{OLD}", f"bob@{OLD}"))
    yield _alias(f"team@{OLD}", f"alice@{OLD},bob@{OLD},{ELSEWHERE}")
    yield _alias(f"extra@{MIRROR}", f"alice@{OLD}")
    yield _alias(f"post@{IDN}", f"carol@{IDN}")
    yield _alias(f"inside@{OLD}", f"alice@{OLD}", internal=1, private_comment="ask Eva")
    yield "alias", {"address": f"noreply@{OLD}", "goto_null": 1, "active": 1, "sender_allowed": 1}
    yield "alias", {"address": f"learn@{OLD}", "goto_spam": 1, "active": 1, "sender_allowed": 1}
    yield _filter(f"alice@{OLD}", FORWARD)
    yield _filter(f"bob@{OLD}", f'redirect "{ELSEWHERE}";')
    yield _filter(f"carol@{IDN}", SORTING)
    app = {"app_name": "phone", "app_passwd": PASSWORD, "app_passwd2": PASSWORD, "protocols": ["imap_access"]}
    yield "app-passwd", {"username": f"alice@{OLD}", "active": 1, **app}
    yield "relayhost", {"hostname": "[smtp.relay.example]:587", "username": "me", "password": "relay-Secret-1"}
    transport = {"nexthop": "[smtp.other.example]:465", "username": "you", "password": "relay-Secret-2"}
    yield "transport", {"destination": "outlook.example", "active": 1, **transport}
    yield "fwdhost", {"hostname": "192.0.2.44", "filter_spam": 0}
    yield "recipient_map", {"recipient_map_old": f"sales@{OLD}", "recipient_map_new": f"alice@{OLD}", "active": 1}
    yield "bcc", {"local_dest": f"alice@{OLD}", "bcc_dest": ELSEWHERE, "type": "rcpt", "active": 1}
    yield "tls-policy-map", {"dest": "elsewhere.example", "policy": "encrypt", "parameters": "", "active": 1}


def _domain(name: str) -> Call:
    limits = {"aliases": 400, "mailboxes": 10, "defquota": 3072, "maxquota": 10240, "quota": 102400}
    return "domain", {"domain": name, "description": name, "active": 1, "gal": 1, "restart_sogo": 0, **limits}


def _mailbox(local_part: str, **said: Any) -> Call:
    words = {"local_part": local_part, "domain": OLD, "name": "", "password": PASSWORD, "password2": PASSWORD}
    return "mailbox", {**words, "quota": 1024, "active": 1, **said}


def _alias(address: str, goto: str, **said: Any) -> Call:
    return "alias", {"address": address, "goto": goto, "active": 1, "sender_allowed": 1, **said}


def _filter(address: str, script: str) -> Call:
    words = {"filter_type": "prefilter", "script_desc": "mine", "script_data": script, "active": 1}
    return "filter", {"username": address, **words}
