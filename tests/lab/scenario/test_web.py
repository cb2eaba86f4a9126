"""Checks of the web see what is open, who answered, and whose certificate it is."""

from __future__ import annotations

import pytest

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene, web
from mailnix.model.clientport import OFFERED, client_port
from mailnix.services.caddy.autoconfig import autoconfig

from .conftest import Guests
from .internets import TLS


def test_open_administration_is_noticed(scene: Scene, guests: Guests) -> None:
    closed = {"status": 403, "body": "", "headers": {}, "tls": TLS}
    guests[INTERNET].when("probe.py https", closed)
    guests[INTERNET].when("MCSESSID=c'$", {**closed, "status": 401})
    assert "/api/v1/get/domain/all" in web.administration_is_closed(scene)
    guests[INTERNET].when("path=/admin", {**closed, "status": 200})
    with pytest.raises(CheckFailed, match="not everything is closed"):
        web.administration_is_closed(scene)


def test_pages_that_cannot_save_what_their_users_change_are_noticed(scene: Scene, guests: Guests) -> None:
    guests[INTERNET].when("probe.py https", {"status": 403, "body": "", "headers": {}, "tls": TLS})
    with pytest.raises(CheckFailed, match="cannot call the API"):
        web.administration_is_closed(scene)


def test_settings_that_nobody_carries_or_mailcow_is_not_asked_for_are_noticed(scene: Scene, guests: Guests) -> None:
    policy = "version: STSv1\nmode: testing\nmx: mail.example.org\nmax_age: 604800\n"
    guests[INTERNET].when("mta-sts", {"status": 200, "body": policy, "headers": {"server": "Caddy"}, "tls": TLS})
    told = autoconfig("mail.example.org", OFFERED)
    guests[INTERNET].when("autoconfig", {"status": 200, "body": told, "headers": {"server": "Caddy"}, "tls": TLS})
    guests[INTERNET].when("autodiscover", {"status": 404, "body": "", "headers": {"server": "nginx"}, "tls": TLS})
    assert "autoconfig.example.org: 465, 587, 993" in web.settings_are_served(scene)
    guests[INTERNET].when("autodiscover", {"status": 404, "body": "", "headers": {"server": "Caddy"}, "tls": TLS})
    with pytest.raises(CheckFailed, match="not answered by Mailcow"):
        web.settings_are_served(scene)
    more = autoconfig("mail.example.org", (*OFFERED, client_port("imap")))
    guests[INTERNET].when("autoconfig", {"status": 200, "body": more, "headers": {"server": "Caddy"}, "tls": TLS})
    with pytest.raises(CheckFailed, match=r"tells mail programs of ports \[143, 465, 587, 993\]"):
        web.settings_are_served(scene)
    guests[INTERNET].when("mta-sts", {"status": 200, "body": policy.replace("mail.", "x."), "headers": {}, "tls": TLS})
    with pytest.raises(CheckFailed, match="another policy"):
        web.settings_are_served(scene)


def test_a_certificate_of_caddys_on_993_is_noticed(scene: Scene, guests: Guests) -> None:
    guests[INTERNET].when("logins.py logins", {"ok": True, "answers": [{"ok": True, "said": "OK", "tls": TLS}]})
    guests[INTERNET].when("probe.py https", {"status": 200, "tls": {**TLS, "sha256": "cd" * 32}})
    guests["internal"].when("openssl", "sha256 Fingerprint=" + ":".join(["AB"] * 32) + "\nissuer=x\n")
    assert web.mailcow_has_its_own_certificate(scene)
    guests[INTERNET].when("probe.py https", {"status": 200, "tls": TLS})
    with pytest.raises(CheckFailed, match="same certificate"):
        web.mailcow_has_its_own_certificate(scene)
