"""What Mailcow and the fake one are asked, in this order: each question builds on the answers to those before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

Body = dict[str, Any]

DOMAIN: Final = "t1.example"
IDN: Final = "bücher2.example"
OTHERS: Final = ("t2.example", "t3.example", IDN.encode("idna").decode(), "localhostx")
MIRROR: Final = "m1.example"
ID: Final = "ID"


@frozen
class Case:
    """One call. `alias` names the alias whose id the body needs in place of ID, `row` the list whose first row's.

    `good_key` says that the key in it is one: Mailcow refuses such keys at random (`private_key_error`, from any error
    that OpenSSL has left in that PHP worker), which is no answer, so it is asked again.
    """

    name: str
    path: str
    body: object = None
    alias: str = ""
    row: str = ""
    extra: Mapping[str, Any] = field(factory=dict)
    good_key: bool = False


def domain(name: str, **changes: object) -> Body:
    """Attributes of add/domain, as the provisioner sends them."""
    words = {"domain": name, "description": name, "dkim_selector": "dkim", "key_size": 2048, "tags": ["mailnix"]}
    flags = {
        "active": 1,
        "gal": 1,
        "backupmx": 0,
        "relay_all_recipients": 0,
        "relay_unknown_only": 0,
        "restart_sogo": 0,
    }
    limits = {"mailboxes": 10000, "aliases": 100000, "defquota": 3072, "maxquota": 10485760, "quota": 10485760}
    return words | flags | limits | changes


def mailbox(local: str, at: str = DOMAIN, **changes: object) -> Body:
    """Attributes of add/mailbox."""
    words = {"local_part": local, "domain": at, "name": local, "authsource": "mailcow", "tags": ["mailnix"]}
    secret = {"password": "Secret-123456", "password2": "Secret-123456", "force_pw_update": 0}
    return words | secret | {"quota": 1024, "active": 1, "rl_value": 300, "rl_frame": "h"} | changes


def alias(address: str, goto: str) -> Body:
    """Attributes of add/alias."""
    flags = {"active": 1, "sogo_visible": 1, "sender_allowed": 1}
    return {"address": address, "goto": goto, "private_comment": "mailnix", **flags}


def edit(item: object, **changes: object) -> Body:
    """A change of one thing."""
    return {"items": [item], "attr": changes}


def at(local: str) -> str:
    """An address in the cases' domain."""
    return f"{local}@{DOMAIN}"


def dkim(key: str, selector: str, overwrite: int = 1) -> Body:
    """Attributes of add/dkim_import."""
    words = {"domain": DOMAIN, "dkim_selector": selector, "private_key_file": key}
    return words | {"overwrite_existing": overwrite}


def access() -> list[Case]:
    return [
        Case("wrong key", "get/domain/all", extra={"key": "nope"}),
        Case("no key", "get/domain/all", extra={"key": ""}),
        Case("no aliases", "get/alias/all"),
    ]


def domains(key: str) -> list[Case]:
    return [
        Case("dkim: none", "get/dkim/" + DOMAIN),
        Case("dkim: import", "add/dkim_import", dkim(key, "s1"), good_key=True),
        Case("dkim: shown", "get/dkim/" + DOMAIN),
        Case("domain: add", "add/domain", domain(DOMAIN)),
        Case("domain: add again", "add/domain", domain(DOMAIN)),
        Case("domain: upper case", "add/domain", domain("T2.Example")),
        Case("domain: IDN in Unicode", "add/domain", domain(IDN)),
        Case("domain: the hostname", "add/domain", domain("mail.example.org")),
        Case("domain: with a space", "add/domain", domain("nö pe")),
        Case("domain: one label", "add/domain", domain("localhostx")),
        Case("domain: default quota over maximum", "add/domain", domain("t3.example", maxquota=10)),
        Case("domain: get", "get/domain/" + DOMAIN),
        Case("domain: get an unknown one", "get/domain/none.example"),
        Case("domain: all", "get/domain/all"),
    ]


def mailboxes() -> list[Case]:
    adds = {
        "plain": mailbox("alice"),
        "again": mailbox("alice"),
        "upper case": mailbox("UpPer"),
        "apostrophe": mailbox("o'brien"),
        "plus": mailbox("a+b"),
        "slash": mailbox("a/b"),
        "ampersand": mailbox("a&b"),
        "Unicode": mailbox("jörg"),
        "digits": mailbox("12345"),
        "65 characters": mailbox("x" * 65),
        "64 characters": mailbox("x" * 64),
        "name with markup": mailbox("n1", name='<b>A & B</b> "q"'),
        "name with spaces": mailbox("n2", name="  Ann  "),
        "no name": mailbox("n3", name=""),
        "emoji in the name": mailbox("n4", name="Zoë 😀"),
        "name of 300 characters": mailbox("n5", name="y" * 300),
        "quota 0": mailbox("q0", quota=0),
        "quota over the domain's": mailbox("q1", quota=10485761),
        "short password": mailbox("w", password="abc", password2="abc"),
        "passwords differ": mailbox("w", password2="other-123"),
        "umlauts in the password": mailbox("w2", password="Pässwört-1", password2="Pässwört-1"),
        "unknown domain": mailbox("a", at="none.example"),
        "postmaster": mailbox("postmaster"),
        "abuse": mailbox("abuse"),
    }
    return [Case("mailbox: " + name, "add/mailbox", body) for name, body in adds.items()] + [
        Case("mailbox: all of a domain", "get/mailbox/all/" + DOMAIN),
        Case("mailbox: all of an unknown domain", "get/mailbox/all/none.example"),
        Case("mailbox: get", "get/mailbox/" + at("alice")),
        Case("mailbox: new quota", "edit/mailbox", edit(at("alice"), quota=2048)),
        Case("mailbox: new quota 0", "edit/mailbox", edit(at("alice"), quota=0)),
        Case("mailbox: new name", "edit/mailbox", edit(at("alice"), name="Al <x>")),
        Case("mailbox: off", "edit/mailbox", edit(at("alice"), active=0)),
        Case("mailbox: get after edits", "get/mailbox/" + at("alice")),
        Case("mailbox: on", "edit/mailbox", edit(at("alice"), active=1)),
        Case("mailbox: nothing new", "edit/mailbox", edit(at("alice"), active=1)),
        Case("mailbox: edit an unknown one", "edit/mailbox", edit(at("zz"), active=1)),
        Case("limit: 50", "edit/rl-mbox", edit(at("alice"), rl_value=50, rl_frame="h")),
        Case("limit: 0", "edit/rl-mbox", edit(at("alice"), rl_value=0, rl_frame="h")),
        Case("limit: 100000", "edit/rl-mbox", edit(at("alice"), rl_value=100000, rl_frame="h")),
        Case("limit: of an unknown mailbox", "edit/rl-mbox", edit(at("zz"), rl_value=5, rl_frame="h")),
        Case("limit: unknown frame", "edit/rl-mbox", edit(at("alice"), rl_value=5, rl_frame="w")),
    ]


def aliases() -> list[Case]:
    adds = {
        "plain": alias(at("pm"), at("alice")),
        "again": alias(at("pm"), at("alice")),
        "of a mailbox's name": alias(at("alice"), at("upper")),
        "to an alias": alias(at("p2"), at("pm")),
        "upper case": alias(at("BIG"), at("alice").upper()),
        "to two": alias(at("team"), f"{at('alice')},{at('upper')}"),
        "to elsewhere": alias(at("ext"), "x@elsewhere.example"),
        "to an IDN": alias(at("ext2"), "x@xn--bcher-kva.de"),
        "to an IDN in Unicode": alias(at("ext3"), "x@bücher.de"),
        "to itself": alias(at("self"), at("self")),
        "to itself and another": alias(at("self2"), f"{at('self2')},{at('alice')}"),
        "to no address": alias(at("bad"), "notanaddress"),
        "catch-all": alias(at(""), at("alice")),
        "unknown domain": alias("x@none.example", at("alice")),
        "underscore, dash, dot": alias(at("a_b-c.d"), at("alice")),
        "apostrophe": alias(at("o'b"), at("alice")),
        "plus": alias(at("a+b"), at("alice")),
        "space": alias(at("a b"), at("alice")),
        "to 200": alias(at("many"), ",".join(f"u{n}@elsewhere.example" for n in range(200))),
    }
    attributes = {"active": 1, "private_comment": "mailnix"}
    return [Case("alias: " + name, "add/alias", body) for name, body in adds.items()] + [
        Case("alias: all", "get/alias/all"),
        Case("mailbox: of an alias' name", "add/mailbox", mailbox("pm")),
        Case("alias: new goto", "edit/alias", edit(ID, goto=at("upper"), **attributes), alias=at("pm")),
        Case("alias: new goto, itself", "edit/alias", edit(ID, goto=at("team"), **attributes), alias=at("team")),
        Case("alias: edit an unknown one", "edit/alias", edit(99999, goto=at("upper"))),
        Case("alias: delete", "delete/alias", [ID], alias=at("ext")),
        Case("alias: delete an unknown one", "delete/alias", [99999]),
    ]


def later(key: str) -> list[Case]:
    """Replacing keys, changing and deleting what is there."""
    return [
        Case("dkim: replace", "add/dkim_import", dkim(key, "s2"), good_key=True),
        Case("dkim: not to be replaced", "add/dkim_import", dkim(key, "s2", overwrite=0), good_key=True),
        Case("dkim: space in the selector", "add/dkim_import", dkim(key, "s 2"), good_key=True),
        Case("dkim: no key", "add/dkim_import", dkim("xx", "s2")),
        Case("dkim: good after bad", "add/dkim_import", dkim(key, "s3"), good_key=True),
        Case("dkim: shown at last", "get/dkim/" + DOMAIN),
        Case("domain: more mailboxes", "edit/domain", edit(DOMAIN, mailboxes=20000)),
        Case("domain: off", "edit/domain", edit(DOMAIN, active=0)),
        Case("domain: get after edits", "get/domain/" + DOMAIN),
        Case("domain: on", "edit/domain", edit(DOMAIN, active=1)),
        Case("domain: fewer mailboxes than it has", "edit/domain", edit(DOMAIN, mailboxes=1)),
        Case("domain: smaller quota than one has", "edit/domain", edit(DOMAIN, maxquota=100)),
        Case("domain: edit an unknown one", "edit/domain", edit("none.example", active=1)),
        Case("domain: relayhost", "edit/domain", edit(DOMAIN, relayhost=0)),
        Case("domain: delete a full one", "delete/domain", [DOMAIN]),
        Case("mailbox: delete", "delete/mailbox", [at("n1")]),
        Case("mailbox: delete an unknown one", "delete/mailbox", [at("zz")]),
    ]


def admins() -> list[Case]:
    good, bad = "Secret-777777", "x"
    return [
        Case("admin: all", "get/admin/all"),
        Case("admin: password", "edit/admin", edit("admin", password=good, password2=good, active=1)),
        Case("admin: short password", "edit/admin", edit("admin", password=bad, password2=bad, active=1)),
        Case("admin: edit an unknown one", "edit/admin", edit("nobody", active=1)),
        Case("admin: off", "edit/admin", edit("admin", active=0)),
    ]


def malformed() -> list[Case]:
    return [
        Case("get an unknown route", "get/nonsense"),
        Case("add to an unknown route", "add/nonsense", {"a": 1}),
        Case("no body", "add/domain", extra={"raw": b"", "method": "POST"}),
        Case("no JSON", "add/domain", extra={"raw": b"{", "method": "POST"}),
        Case("version", "get/status/version"),
        Case("GET where POST is meant", "add/domain"),
        Case("edit without items", "edit/mailbox", {"attr": {"active": 1}}),
    ]
