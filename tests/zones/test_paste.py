"""A table to copy from has what each provider's page wants, and says where that was read."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from mailnix.errors import ZonesError
from mailnix.plan import DnsRecord
from mailnix.plan.dns import TXT_CHUNK
from mailnix.zones import parts, paste, providers
from mailnix.zones.opentofu import PROVIDERS
from mailnix.zones.providers import Texts
from tests.zones.conftest import DIGEST

ASKED_FOR = {"cloudflare", "hetzner", "ovh", "ionos", "netcup", "namecheap", "gandi", "desec", "route53", "generic"}


def rows(records: Sequence[DnsRecord], name: str, provider: str, kind: str) -> list[tuple[str, str, str, str]]:
    where = providers.provider(provider)
    return [paste.row(record, where) for record in records if record.name == name and record.type == kind]


def test_the_usual_providers_are_known() -> None:
    assert set(providers.KNOWN) >= ASKED_FOR | set(PROVIDERS)


@pytest.mark.parametrize("provider", providers.KNOWN.values(), ids=lambda each: each.name)
def test_every_text_comes_back_from_what_is_pasted(records: Sequence[DnsRecord], provider: providers.Provider) -> None:
    for record in (each for each in records if each.type == "TXT"):
        value = paste.row(record, provider)[3]
        if provider.texts is Texts.PLAIN:
            assert value == parts.text(record.data)
        else:
            strings = re.findall(r'"([^"]*)"', value)
            assert "".join(strings) == parts.text(record.data)
            assert all(len(string) <= TXT_CHUNK for string in strings)


@pytest.mark.parametrize("provider", providers.KNOWN)
def test_a_table_has_every_record_and_its_source(records: Sequence[DnsRecord], provider: str) -> None:
    where = providers.provider(provider)
    assert where.source.startswith("https://")
    text = paste.table(records, where)
    assert where.source in text
    assert ("not its own documentation" in text) is not where.own
    for zone, members in parts.zones(records).items():
        assert f"\n{zone}" in text
        for record in members:
            assert f"{record.need}: {record.reason}" in text
            assert paste.row(record, where)[3] in text
    assert "in-addr.arpa" not in text


def test_fields_are_apart_where_the_page_has_them_so(records: Sequence[DnsRecord]) -> None:
    imaps = "_imaps._tcp.example.org"
    assert rows(records, imaps, "cloudflare", "SRV") == [
        ("_imaps._tcp", "SRV", "priority 0, weight 1, port 993", "mail.example.org")
    ]
    assert rows(records, imaps, "netcup", "SRV") == [("_imaps._tcp", "SRV", "", "0 1 993 mail.example.org")]
    assert rows(records, imaps, "hetzner", "SRV") == [("_imaps._tcp", "SRV", "", "0 1 993 mail.example.org.")]
    assert rows(records, "example.org", "netcup", "MX")[0] == ("@", "MX", "priority 10", "mx9.example.org")
    assert rows(records, "example.org", "route53", "MX")[0] == ("(empty)", "MX", "", "10 mx9.example.org")
    assert rows(records, "mail.example.org", "cloudflare", "CAA")[0] == (
        "mail",
        "CAA",
        "flags 0, tag issue",
        "letsencrypt.org",
    )


def test_a_keys_digest_is_apart_from_its_numbers_where_the_page_has_them_so(records: Sequence[DnsRecord]) -> None:
    name = "_25._tcp.mx9.example.org"
    apart, whole = (rows(records, name, provider, "TLSA")[0][2:] for provider in ("cloudflare", "desec"))
    assert apart == ("usage 3, selector 1, matching type 1", DIGEST)
    assert whole == ("", f"3 1 1 {DIGEST}")


def test_a_service_that_is_not_there_keeps_its_dot(records: Sequence[DnsRecord]) -> None:
    for provider in ("cloudflare", "netcup", "generic"):
        assert rows(records, "_pop3._tcp.example.org", provider, "SRV")[0][3].split()[-1] == "."


def test_a_provider_that_is_not_known_is_told_who_is() -> None:
    with pytest.raises(ZonesError) as caught:
        providers.provider("nobody")
    assert "cloudflare, " in caught.value.hint
