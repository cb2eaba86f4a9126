"""The parts of tls_policy that decide by themselves: TLSA records, MTA-STS policies, DNS messages."""

import random
import shutil
from typing import Any

import dns.flags
import dns.message
import dns.rrset
import pytest

from rig.certificates import Certificate, make
from tests.attacks.marks import Kind, attack
from tests.services.haraka.javascript import each

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed (apt-get install npm)")

DIGEST = "ab" * 32
LONG = "ab" * 64


def one(module: str, body: str, case: object) -> Any:
    return each(module, body, [case])[0]


# ---- TLSA ------------------------------------------------------------------------------------------------------------


def test_only_records_that_smtp_can_use_are_usable() -> None:
    own = make("mx.example")
    whole, key = own.tlsa(3, 0, 0), own.tlsa(2, 1, 0)
    right = [f"3 1 1 {DIGEST}", f"2 0 1 {DIGEST}", f"3 1 2 {LONG}", f"2 1 2 {LONG}", whole, key]
    wrong = [
        f"0 0 1 {DIGEST}", f"1 1 1 {DIGEST}", f"4 1 1 {DIGEST}", f"255 1 1 {DIGEST}", f"3 2 1 {DIGEST}",
        f"3 1 3 {DIGEST}", "3 1 1 abcd", f"3 1 1 {LONG}", f"3 1 2 {DIGEST}", f"3 0 0 {DIGEST}", f"2 1 0 {DIGEST}",
        whole.replace("3 0 0", "3 1 0"),
    ]  # fmt: skip
    found = each("tls_policy/tlsa.js", "m.is_usable(record(x))", right + wrong)
    assert found == [True] * len(right) + [False] * len(wrong)


@pytest.mark.parametrize(
    ("records", "left"),
    [
        ([f"3 1 1 {DIGEST}", f"3 1 2 {LONG}"], [1]),
        ([f"3 1 1 {DIGEST}", f"3 0 2 {LONG}"], [0, 1]),
        ([f"3 1 1 {DIGEST}", f"2 1 2 {LONG}"], [0, 1]),
        ([f"3 1 1 {DIGEST}", f"3 1 2 {DIGEST}"], [0]),
        ([f"1 1 1 {DIGEST}"], []),
    ],
    ids=["same usage and selector", "another selector", "another usage", "the stronger is malformed", "none"],
)
def test_the_strongest_digest_over_the_same_thing_counts(records: list[str], left: list[int]) -> None:
    body = "m.usable(x.map(record)).map((r) => `${r.usage} ${r.selector} ${r.matching} ${r.data.toString('hex')}`)"
    assert one("tls_policy/tlsa.js", body, records) == [records[index] for index in left]


def mismatch(record: str, chain: tuple[Certificate, ...], *names: str) -> Any:
    case = {"record": record, "chain": [link.pem.decode() for link in chain], "names": names}
    return one("tls_policy/tlsa.js", "m.mismatch([record(x.record)], chain(x.chain), x.names)", case)


def test_a_server_is_known_by_its_own_certificate_whatever_is_in_it() -> None:
    own = make("whatever", expired=True)
    assert mismatch(own.tlsa(3, 1, 1), own.chain, "mx.example") is None
    assert mismatch(own.tlsa(3, 1, 1), make("mx.example").chain, "mx.example")["type"] == "validation-failure"
    assert mismatch(own.tlsa(3, 1, 1), (), "mx.example")["reason"] == "no certificate"


def test_a_trust_anchor_vouches_for_valid_certificates_of_the_right_name() -> None:
    root = make("root", authority=True)
    good = make("mx.example", root)
    assert mismatch(root.tlsa(2, 0, 1), good.chain, "mx.example") is None
    assert mismatch(root.tlsa(2, 0, 1), good.chain, "other.example", "mx.example") is None
    assert mismatch(root.tlsa(2, 0, 1), good.chain, "other.example")["type"] == "certificate-host-mismatch"
    late = make("mx.example", root, expired=True)
    assert mismatch(root.tlsa(2, 0, 1), late.chain, "mx.example")["type"] == "certificate-expired"
    assert mismatch(root.tlsa(2, 0, 1), good.chain[:1], "mx.example")["type"] == "certificate-not-trusted"


@attack(Kind.TLS, right="not proven", source="RFC 7672 3.1.2; RFC 5280 6")
def test_a_chain_of_names_without_signatures_vouches_for_nothing() -> None:
    root, impostor = make("root", authority=True), make("root", authority=True)
    forged = (make("mx.example", impostor), root)
    assert mismatch(root.tlsa(2, 0, 1), forged, "mx.example")["type"] == "certificate-not-trusted"


# ---- MTA-STS ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=1"], "1"),
        (["v=STSv1 ; id = 1 ; x=y"], "1"),
        (["v=spf1 -all", "v=STSv1; id=1"], "1"),
        ([], None),
        (["v=STSv1; id=1", "v=STSv1; id=2"], None),
        (["v=STSv1;"], None),
        (["v=STSv2; id=1"], None),
        (["v=STSv1x; id=1"], None),
        (["id=1; v=STSv1"], None),
        (["v=STSv1; id=" + "1" * 33], None),
        (["v=STSv1; id=a-b"], None),
    ],
)
def test_a_policy_is_announced_by_exactly_one_record(texts: list[str], found: str | None) -> None:
    assert one("tls_policy/sts.js", "m.record_id(x)", texts) == found


GOOD = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


PARSED = {"mode": "enforce", "mx": ["mail.example.com", "*.example.net"], "max_age": 604800}


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        (GOOD, PARSED),
        (GOOD.replace("\r\n", "\n"), PARSED),
        ("version:STSv1\nmode:none\nmax_age:0", {"mode": "none", "mx": [], "max_age": 0}),
        (GOOD + "mode: none\nother: x\n", PARSED),
        (GOOD.replace("604800", "9999999999"), PARSED | {"max_age": 31557600}),
        (GOOD.replace("mail.example.com", "Mail.Example.COM."), PARSED),
    ],
    ids=["as in the RFC", "bare line feeds", "none", "later and unknown fields", "more than a year", "case and dot"],
)
def test_a_policy_is_read(text: str, policy: dict[str, object]) -> None:
    assert one("tls_policy/sts.js", "m.parse(x)", text) == policy


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.replace("STSv1", "STSv2"),
        GOOD.replace("version: STSv1\r\n", ""),
        GOOD.replace("enforce", "perhaps"),
        GOOD.replace("max_age: 604800", ""),
        GOOD.replace("604800", "-1"),
        GOOD.replace("604800", "soon"),
        "version: STSv1\nmode: enforce\nmax_age: 1\n",
        GOOD.replace("*.example.net", "mail.*.net"),
        GOOD.replace("*.example.net", "*"),
        GOOD.replace("*.example.net", "a b"),
    ],
)
def test_a_policy_that_is_none_is_not_read(text: str) -> None:
    assert one("tls_policy/sts.js", "m.parse(x)", text)["error"].startswith("the policy ")


@pytest.mark.parametrize(
    ("pattern", "host", "is_covered"),
    [
        ("mx.example.com", "mx.example.com", True),
        ("mx.example.com", "MX.Example.COM", True),
        ("mx.example.com", "mx.example.net", False),
        ("mx.example.com", "a.mx.example.com", False),
        ("*.example.com", "mx.example.com", True),
        ("*.example.com", "a.mx.example.com", False),
        ("*.example.com", "example.com", False),
    ],
)
def test_a_star_stands_for_one_label(pattern: str, host: str, is_covered: bool) -> None:
    assert one("tls_policy/sts.js", "m.covers([x.pattern], x.host)", {"pattern": pattern, "host": host}) is is_covered


# ---- DNS messages ----------------------------------------------------------------------------------------------------

DECODE = "m.decode_answer(Buffer.from(x, 'hex'))"


def answer(*records: str, secure: bool = True) -> dns.message.Message:
    message = dns.message.make_response(dns.message.make_query("example.com", "MX"))
    message.answer += [dns.rrset.from_text("example.com.", 60, "IN", *record.split(" ", 1)) for record in records]
    message.flags |= dns.flags.AD if secure else 0
    return message


def test_an_answer_is_decoded() -> None:
    message = answer(
        "MX 10 mx.Example.com.", "A 192.0.2.1", "AAAA 2001:db8::1", 'TXT "v=STSv1; " "id=1"', "CNAME other.example.",
        f"TLSA 3 1 1 {DIGEST}",
    )  # fmt: skip
    found = one("tls_policy/names.js", DECODE, message.to_wire().hex())
    assert found["secure"] is True
    assert found["code"] == "NOERROR"
    data = [record["data"] for record in found["records"]]
    assert data[:5] == [
        {"priority": 10, "exchange": "mx.example.com"}, "192.0.2.1", "2001:db8::1", "v=STSv1; id=1", "other.example",
    ]  # fmt: skip
    assert data[5] | {"data": bytes(data[5]["data"]["data"]).hex()} == {
        "usage": 3, "selector": 1, "matching": 1, "data": DIGEST,
    }  # fmt: skip


@attack(Kind.DNS, right="not secure", source="RFC 7672 2.1; RFC 4035 4.9.3")
def test_what_the_resolver_does_not_vouch_for_is_not_secure() -> None:
    assert one("tls_policy/names.js", DECODE, answer("A 192.0.2.1", secure=False).to_wire().hex())["secure"] is False


@attack(Kind.DNS, right="an error, at once", source="RFC 1035 4.1.4: pointers only back")
def test_broken_answers_end_in_an_error_at_once() -> None:
    """Every answer cut short, and thousands with bytes changed: read, or refused as out of range."""
    wire = answer("MX 10 mx.example.com.", "TXT a", f"TLSA 3 1 1 {DIGEST}").to_wire()
    chance = random.Random(1)
    cases = [wire[:length] for length in range(len(wire))]
    for _ in range(3000):
        changed = bytearray(wire)
        for _ in range(chance.randrange(1, 6)):
            changed[chance.randrange(len(wire))] = chance.randrange(256)
        cases.append(bytes(changed))
    cases.append(wire[:12] + b"\xc0\x0c" + wire[14:])  # a name that is itself
    for found in each("tls_policy/names.js", DECODE, [case.hex() for case in cases]):
        assert "code" in found or found["name"] == "RangeError"


def asking(message: dns.message.Message, name: str, rdtype: str) -> None:
    message.question = dns.message.make_query(name, rdtype).question


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        (lambda message: None, True),
        (lambda message: setattr(message, "id", message.id ^ 1), False),
        (lambda message: setattr(message, "flags", message.flags ^ dns.flags.QR), False),
        (lambda message: message.question.clear(), False),
        (lambda message: asking(message, "example.com", "A"), False),
        (lambda message: asking(message, "example.net", "MX"), False),
        (lambda message: asking(message, "EXAMPLE.com", "MX"), True),
    ],
    ids=["itself", "another id", "a question", "no question", "another type", "another name", "another case"],
)
@attack(Kind.DNS, right="ignored", source="RFC 5452 9.1")
def test_only_the_answer_to_the_very_question_is_taken(change: Any, fits: bool) -> None:
    query = dns.message.make_query("example.com", "MX")
    message = dns.message.make_response(query)
    change(message)
    case = [message.to_wire().hex(), query.to_wire().hex()]
    assert one("tls_policy/names.js", "m.answers(...x.map((hex) => Buffer.from(hex, 'hex')))", case) is fits


def test_a_question_asks_whether_the_answer_is_secure() -> None:
    wire = one("tls_policy/names.js", "m.encode_query(7, x, 'TLSA').toString('hex')", "_25._tcp.mx.example")
    query = dns.message.from_wire(bytes.fromhex(wire))
    assert query.id == 7
    assert query.question[0].to_text() == "_25._tcp.mx.example. IN TLSA"
    assert query.flags & dns.flags.AD
    assert query.flags & dns.flags.RD
    assert query.edns == 0
    assert query.payload == 1232
