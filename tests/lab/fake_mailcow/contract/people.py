"""What they are asked of people: domains that mirror another, senders, protocols, filters, app passwords, tags."""

from __future__ import annotations

from typing import Final

from tests.lab.fake_mailcow.contract.cases import DOMAIN, ID, MIRROR, Body, Case, alias, at, domain, edit

ALICE: Final = at("alice")
FILTERS: Final = f"get/filters/{ALICE}"
APPS: Final = f"get/app-passwd/all/{ALICE}"


def mirror(**changes: object) -> Body:
    """Attributes of add/alias-domain."""
    return {"alias_domain": MIRROR, "target_domain": DOMAIN, "active": 1, **changes}


def mirrors() -> list[Case]:
    thrown_away = {"address": at("none"), "goto": "", "goto_null": 1, "active": 1, "private_comment": "mailnix"}
    return [
        Case("mirror: add", "add/alias-domain", mirror()),
        Case("mirror: add again", "add/alias-domain", mirror()),
        Case("mirror: of itself", "add/alias-domain", mirror(alias_domain=DOMAIN)),
        Case("mirror: of an unknown domain", "add/alias-domain", mirror(target_domain="none.example")),
        Case("mirror: all", "get/alias-domain/all"),
        Case("mirror: off", "edit/alias-domain", edit(MIRROR, active=0)),
        Case("mirror: get", f"get/alias-domain/{MIRROR}"),
        Case("mirror: another target", "edit/alias-domain", edit(MIRROR, target_domain="t2.example", active=1)),
        Case("mirror: an unknown target", "edit/alias-domain", edit(MIRROR, target_domain="none.example")),
        Case("mirror: the target before", "edit/alias-domain", edit(MIRROR, target_domain=DOMAIN)),
        Case("mirror: edit an unknown one", "edit/alias-domain", edit("none.example", active=1)),
        Case("domain: of a mirror's name", "add/domain", domain(MIRROR)),
        Case("alias: in a mirror", "add/alias", alias(f"x@{MIRROR}", ALICE)),
        Case("alias: in a mirror, of a mailbox's name", "add/alias", alias(f"alice@{MIRROR}", at("upper"))),
        Case("alias: catch-all of a mirror", "add/alias", alias(f"@{MIRROR}", ALICE)),
        Case("alias: thrown away", "add/alias", thrown_away),
        Case("alias: all of a mirror", f"get/alias/all/{MIRROR}"),
    ]


def senders() -> list[Case]:
    wanted = {
        "another's": [at("upper")],
        "a domain and an alias": [f"@{DOMAIN}", at("many")],
        "an alias that leads to it": [at("big")],
        "an unknown address": [at("zz")],
        "one elsewhere": ["x@elsewhere.example"],
        "a mirror": [f"@{MIRROR}", f"x@{MIRROR}"],
        "any": ["*", at("upper")],
        "itself alone": ["default"],
        "several": [f"@{DOMAIN}", f"@{MIRROR}", at("many")],
    }
    found = []
    for name, sender_acl in wanted.items():
        found.append(Case(f"sender: {name}", "edit/mailbox", edit(ALICE, sender_acl=sender_acl)))
        found.append(Case(f"sender: {name}, shown", f"get/mailbox/{ALICE}"))
    return [
        *found,
        Case("alias: delete one that somebody writes as", "delete/alias", [ID], alias=at("many")),
        Case("alias: delete a catch-all", "delete/alias", [ID], alias=f"@{DOMAIN}"),
        Case("sender: after aliases went", f"get/mailbox/{ALICE}"),
    ]


def access() -> list[Case]:
    closed = {f"{name}_access": 0 for name in ("pop3", "sieve", "eas", "dav", "sogo")}
    return [
        Case("protocols: two", "edit/mailbox", edit(ALICE, imap_access=1, smtp_access=1, **closed)),
        Case("mailbox: archived", "edit/mailbox", edit(ALICE, active=2)),
        Case("tag: more", "edit/mailbox", edit(ALICE, tags=["mailnix-state", "mailnix"])),
        Case("mailbox: get with tags", f"get/mailbox/{ALICE}"),
        Case("tag: delete", f"delete/mailbox/tag/{ALICE}", ["mailnix-state"]),
        Case("tag: delete an unknown one", f"delete/mailbox/tag/{ALICE}", ["nope"]),
        Case("mailbox: active", "edit/mailbox", edit(ALICE, active=1)),
        Case("mailbox: get without the tag", f"get/mailbox/{ALICE}"),
    ]


def a_filter(**changes: object) -> Body:
    """Attributes of add/filter."""
    words = {"username": ALICE, "script_data": "keep;", "script_desc": "mailnix", "filter_type": "prefilter"}
    return {**words, "active": 1, **changes}


def filters() -> list[Case]:
    return [
        Case("filter: none", FILTERS),
        Case("filter: add", "add/filter", a_filter()),
        Case("filter: shown", FILTERS),
        Case("filter: no script", "add/filter", a_filter(script_data="")),
        Case("filter: no description", "add/filter", a_filter(script_desc="")),
        Case("filter: unknown type", "add/filter", a_filter(filter_type="midfilter")),
        Case("filter: of an unknown mailbox", "add/filter", a_filter(username=at("zz"))),
        Case("filter: edit", "edit/filter", edit(ID, script_data="discard;", active=1), row=FILTERS),
        Case("filter: off", "edit/filter", edit(ID, active=0), row=FILTERS),
        Case("filter: shown after edits", FILTERS),
        Case("filter: edit an unknown one", "edit/filter", edit(99999, active=0)),
        Case("filter: delete", "delete/filter", [ID], row=FILTERS),
        Case("filter: delete an unknown one", "delete/filter", [99999]),
        Case("filter: a script that is none", "add/filter", a_filter(script_data="discard")),
    ]


def app_password(**changes: object) -> Body:
    """Attributes of add/app-passwd."""
    words = {"app_name": "mailnix: a phone", "app_passwd": "Secret-123456", "app_passwd2": "Secret-123456"}
    return {"username": ALICE, "active": 1, "protocols": ["imap_access", "smtp_access"], **words, **changes}


def app_passwords() -> list[Case]:
    fewer = {"username": ALICE, "protocols": ["dav_access"], "active": 0}
    return [
        Case("app password: none", APPS),
        Case("app password: add", "add/app-passwd", app_password()),
        Case("app password: shown", APPS),
        Case("app password: no name", "add/app-passwd", app_password(app_name="")),
        Case("app password: short", "add/app-passwd", app_password(app_passwd="abc", app_passwd2="abc")),
        Case("app password: two that differ", "add/app-passwd", app_password(app_passwd2="other-123")),
        Case("app password: of an unknown mailbox", "add/app-passwd", app_password(username=at("zz"))),
        Case("app password: other protocols", "edit/app-passwd", edit(ID, **fewer), row=APPS),
        Case("app password: shown after edits", APPS),
        Case("app password: edit an unknown one", "edit/app-passwd", edit(99999, username=ALICE)),
        Case("app password: delete", "delete/app-passwd", [ID], row=APPS),
        Case("app password: delete an unknown one", "delete/app-passwd", [99999]),
    ]


def people() -> list[Case]:
    """All of them; in the end the mirror is gone."""
    return [
        *mirrors(),
        *senders(),
        *access(),
        *filters(),
        *app_passwords(),
        Case("mirror: delete", "delete/alias-domain", [MIRROR]),
        Case("mirror: delete an unknown one", "delete/alias-domain", [MIRROR]),
        Case("sender: after the mirror went", f"get/mailbox/{ALICE}"),
    ]
