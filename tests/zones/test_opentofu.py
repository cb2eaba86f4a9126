"""OpenTofu's JSON: one resource for each record or set, whose fields are those of the providers' documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from mailnix.errors import ZonesError
from mailnix.plan import DnsRecord
from mailnix.plan.dns import TXT_CHUNK
from mailnix.zones import forms, opentofu, parts
from mailnix.zones.forms import Form
from tests.zones.conftest import DIGEST

REFERENCE = re.compile(r"(?<!\$)\$\{([^}]*)\}")


def made(records: Sequence[DnsRecord], provider: str) -> Any:
    (text,) = opentofu.files(records, provider).values()
    return json.loads(text)


def resources(records: Sequence[DnsRecord], provider: str) -> dict[str, dict[str, Any]]:
    (found,) = made(records, provider)["resource"].values()
    return dict(found)


def published(records: Sequence[DnsRecord]) -> list[DnsRecord]:
    return [record for members in parts.zones(records).values() for record in members]


@pytest.mark.parametrize("provider", opentofu.PROVIDERS)
def test_every_resource_has_a_name_that_opentofu_takes(records: Sequence[DnsRecord], provider: str) -> None:
    for name in resources(records, provider):
        assert re.fullmatch(r"[a-z][a-z0-9_-]*", name), name


@pytest.mark.parametrize("provider", opentofu.PROVIDERS)
def test_nothing_is_taken_for_a_template_but_references_of_ours(records: Sequence[DnsRecord], provider: str) -> None:
    whole = made(records, provider)
    text = json.dumps(whole)
    assert "%%{i}._spf.friend.example" in text
    assert not re.search(r"(?<!%)%\{", text)
    for reference in REFERENCE.findall(text):
        _data, kind, name, _attribute = reference.split(".")
        assert name in whole["data"][kind]


@pytest.mark.parametrize("provider", ["cloudflare", "ovh"])
def test_each_record_is_a_resource(records: Sequence[DnsRecord], provider: str) -> None:
    assert len(resources(records, provider)) == len(published(records))


@pytest.mark.parametrize("provider", ["hetzner", "desec"])
def test_each_set_is_a_resource(records: Sequence[DnsRecord], provider: str) -> None:
    found = resources(records, provider)
    assert len(found) == len(parts.sets(published(records)))
    assert sum(len(each["records"]) for each in found.values()) == len(published(records))


def test_cloudflare_gets_hosts_without_dot_numbers_apart_and_no_proxy(records: Sequence[DnsRecord]) -> None:
    found = resources(records, "cloudflare")
    assert not [each for each in found.values() if each["proxied"]]
    mx = found["mx_example_org_1"]
    assert (mx["name"], mx["priority"], mx["content"]) == ("example.org", 10, "mx9.example.org")
    assert found["srv___imaps___tcp_example_org"]["data"] == {
        "priority": 0,
        "weight": 1,
        "port": 993,
        "target": "mail.example.org",
    }
    assert found["srv___pop3___tcp_example_org"]["data"]["target"] == "."
    assert found["cname_autoconfig_example_org"]["content"] == "mail.example.org"
    assert found["caa_mail_example_org_1"]["data"] == {"flags": 0, "tag": "issue", "value": "letsencrypt.org"}
    assert found["tlsa___25___tcp_mx9_example_org_1"]["data"] == {
        "usage": 3,
        "selector": 1,
        "matching_type": 1,
        "certificate": DIGEST,
    }
    assert found["txt_mail_example_org"]["content"] == '"v=spf1 a -all"'
    assert made(records, "cloudflare")["data"]["cloudflare_zone"]["zone_example_org"] == {
        "filter": {"name": "example.org"}
    }


def test_hetzner_and_desec_get_data_as_in_zone_files(records: Sequence[DnsRecord]) -> None:
    dkim = "txt_dkim___domainkey_example_org"
    hetzner, desec = (resources(records, provider)[dkim] for provider in ("hetzner", "desec"))
    assert (hetzner["zone"], hetzner["name"]) == ("example.org", "dkim._domainkey")
    assert (desec["domain"], desec["subname"]) == ("example.org", "dkim._domainkey")
    assert hetzner["records"][0]["value"] == desec["records"][0]
    strings = re.findall(r'"([^"]*)"', desec["records"][0])
    assert len(strings) > 1
    assert all(len(string) <= TXT_CHUNK for string in strings)
    assert resources(records, "hetzner")["mx_example_org"]["name"] == "@"
    assert resources(records, "desec")["mx_example_org"]["subname"] == ""
    assert resources(records, "ovh")["mx_example_org_2"]["subdomain"] == ""


@pytest.mark.parametrize("provider", [None, "nobody"])
def test_without_a_provider_that_is_known_all_are_named(records: Sequence[DnsRecord], provider: str | None) -> None:
    with pytest.raises(ZonesError) as caught:
        forms.files(Form.OPENTOFU, records, provider)
    assert "cloudflare|hetzner|desec|ovh" in caught.value.hint
