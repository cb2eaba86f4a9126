"""The page is whole, safe and readable: for people, for programs that read it aloud, and without a network."""

from __future__ import annotations

import itertools
import re
import shlex
from base64 import b64decode
from pathlib import Path

import pytest
from dns.zone import from_text

from mailnix import Domain, Internal, Mailbox, Proxy, Topology
from mailnix.cli.verbs import MAIN_VERBS
from mailnix.doctor.values import Answer
from mailnix.guide.mailboxes import MOST_CODES
from mailnix.guide.page import guide, is_guide
from mailnix.plan import Reach, derive
from mailnix.zones.providers import provider
from tests.descriptions import PUBLIC4, many, sound
from tests.guide.conftest import FINDINGS, HOSTILE, hurt, many_ways, page_of, plan_of, typed
from tests.guide.reading import Element, read

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"sound": page_of(sound()), "every kind": page_of(many_ways()), "doctor": page_of(sound(), findings=FINDINGS)}
whatever = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())


def codes(page: str) -> list[str]:
    """All that stands as code."""
    return [element.text for element in read(page) if element.tag == "code"]


def policy(page: str) -> str:
    """Its content security policy."""
    (found,) = [e.attributes["content"] for e in read(page) if "Security" in e.attributes.get("http-equiv", "")]
    return found


def by_id(page: str, name: str) -> Element:
    """The element of that id."""
    (found,) = [element for element in read(page) if element.attributes.get("id") == name]
    return found


@whatever
def test_nothing_is_fetched_from_anywhere(page: str) -> None:
    for element in read(page):
        for name, value in element.attributes.items():
            if name in ("src", "srcset", "action", "poster", "data", "xlink:href", "background", "style"):
                pytest.fail(f"{element.tag} {name}={value}")
            if name == "href":
                assert value.startswith(("#", "data:application/x-apple-aspen-config;", "data:text/plain;")), value
    assert not re.search(r"@import|url\((?!#)", page)
    assert policy(page).startswith("default-src 'none'; ")


@whatever
def test_there_is_one_script_and_the_policy_lets_no_other_run(page: str) -> None:
    assert [element.attributes for element in read(page) if element.tag == "script"] == [{}]
    assert not [name for element in read(page) for name in element.attributes if name.startswith("on")]
    assert re.search(r"; script-src 'sha256-[^ ]+'; ", policy(page))
    assert "unsafe" not in page


def test_what_people_and_machines_say_is_text_and_nothing_else() -> None:
    said = hurt(subject=HOSTILE, evidence=HOSTILE, advice=HOSTILE, answer=Answer.WRONG)
    topology = many_ways()
    page = guide(derive(topology), f"{HOSTILE}.py", findings=[said])
    tags = {element.tag for element in read(page)}
    assert {"img"} & tags == set()
    assert len([element for element in read(page) if element.tag == "script"]) == 1
    assert page.count("alert(1)</script>") == 0
    assert HOSTILE in by_id(page, "programs").text
    assert by_id(page, "state").text.count(HOSTILE) == 3
    assert any(shlex.split(line)[2] == f"{HOSTILE}.py" for line in codes(page) if line.startswith("mailnix check"))


@whatever
def test_headings_leave_out_no_level_and_names_are_there_once(page: str) -> None:
    levels = [int(element.tag[1]) for element in read(page) if re.fullmatch(r"h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    names = [element.attributes["id"] for element in read(page) if "id" in element.attributes]
    assert len(names) == len(set(names))
    for element in read(page):
        for name in ("aria-labelledby", "href"):
            target = element.attributes.get(name, "")
            assert not target or target.startswith("data:") or target.removeprefix("#") in names


@whatever
def test_it_says_its_language_and_has_its_landmarks(page: str) -> None:
    elements = read(page)
    (root,) = [element for element in elements if element.tag == "html"]
    assert root.attributes == {"lang": "en"}
    for tag in ("header", "main", "footer"):
        assert len([element for element in elements if element.tag == tag]) == 1, tag
    for element in elements:
        if element.tag == "nav":
            assert element.attributes["aria-label"]
        if element.tag == "section":
            assert by_id(page, element.attributes["aria-labelledby"]).tag == "h2"
        if element.tag == "svg":
            assert element.attributes["role"] == "img"
            assert next(child.tag for child in element.children) == "title"
        if element.tag == "th":
            assert element.attributes["scope"] in ("col", "row")


@pytest.mark.parametrize("topology", [sound(), many_ways()], ids=["sound", "every kind"])
def test_every_record_is_there_as_pages_of_providers_want_it(topology: Topology) -> None:
    page = page_of(topology)
    plan = plan_of(topology)
    rows = [element for element in read(page) if element.attributes.get("class") == "record"]
    assert len(rows) == len(plan.records)
    texts = [" ".join(row.text.split()) for row in rows]
    for record in plan.records:
        if record.type != "PTR":
            name = record.name if record.name != record.zone else f"@.{record.zone}"
            start, end = f"{record.type} {name} ", typed(record)
            found = [text for text in texts if text.startswith(start) and end in text]
            assert found, record
    assert all(f"PTR {proxy.ipv4} {proxy.hostname}" in texts for proxy in plan.proxies)


def test_a_key_that_is_not_made_yet_is_said_and_no_half_record_is_offered() -> None:
    page = guide(derive(sound()), "mail.py")
    (row,) = [e for e in read(page) if e.attributes.get("class") == "record" and "_domainkey" in e.text]
    assert "Its key is still to be made" in row.text
    assert "v=DKIM1" not in page


def test_records_are_typed_as_the_named_provider_wants_them() -> None:
    page = page_of(sound(), where=provider("desec"))
    rows = [" ".join(e.text.split()) for e in read(page) if e.attributes.get("class") == "record"]
    assert "MX @.example.org 10 mail.example.org." in rows
    assert "name of MX example.org" not in {e.attributes.get("data-label") for e in read(page)}, "it is empty there"
    assert [row for row in rows if '"v=spf1 mx -all"' in row]
    assert "as deSEC wants them" in by_id(page, "records").text
    assert "cloud" in by_id(page_of(sound(), where=provider("cloudflare")), "records").text


def test_each_zone_can_be_taken_as_a_zone_file() -> None:
    found = {}
    for element in read(page_of(many_ways())):
        if element.attributes.get("download", "").endswith(".zone"):
            text = b64decode(element.attributes["href"].partition(";base64,")[2]).decode()
            zone = from_text(text, origin=".", relativize=False, check_origin=False)
            found[element.attributes["download"].removesuffix(".zone")] = sum(1 for _ in zone.iterate_rdatas())
    plan = plan_of(many_ways())
    zones = [record.zone for record in plan.records if record.zone]
    assert found == {zone: zones.count(zone) for zone in zones}


def test_what_is_to_be_opened_is_what_the_plan_opens() -> None:
    plan = derive(many_ways())
    shown = by_id(page_of(many_ways()), "order").text
    words = " ".join(shown.split())
    for proxy in plan.proxies:
        for listener in proxy.listeners:
            is_shown = f" {listener.port} {listener.transport.upper()} " in words
            assert is_shown is (listener.reach is not Reach.TUNNEL), listener
        for forward in proxy.forwards:
            assert f" {forward.port} TCP " in words
        for address in filter(None, (proxy.ipv4, proxy.ipv6)):
            assert f"  {address}  {proxy.hostname}\n" in shown


def test_an_administrators_networks_are_named_where_ssh_is_for_them_alone() -> None:
    shown = by_id(page_of(sound(proxies=[Proxy("proxy", ipv4=PUBLIC4, admin_cidrs=["198.51.100.0/24"])])), "order").text
    assert "198.51.100.0/24" in shown


@whatever
def test_every_command_is_one_of_mailnixs_verbs_on_this_description(page: str) -> None:
    lines = [line for line in codes(page) if line.startswith("mailnix ") and line != "mailnix secrets init"]
    assert len(lines) > 8
    for words in map(shlex.split, lines):
        assert words[1] in MAIN_VERBS
        assert words[3 if words[1] == "secrets" else 2] == "mail.py"
    order = [" ".join(shlex.split(line)[1:]) for line in lines]
    firsts = [next(i for i, line in enumerate(order) if line.startswith(verb)) for verb in ("check", "secrets", "dns")]
    assert firsts == sorted(firsts)


def test_a_machine_that_nobody_logs_in_to_starts_from_an_image() -> None:
    topology = sound(proxies=[Proxy("proxy", ipv4=PUBLIC4, sealed=True)], internal=Internal("internal", sealed=True))
    lines = codes(page_of(topology))
    assert not [line for line in lines if line.startswith(("mailnix deploy", "mailnix rollback", "ssh "))]
    assert "mailnix build mail.py --out out" in lines


def test_home_is_named_where_only_its_router_knows_its_address() -> None:
    for verb in ("deploy", "doctor"):
        assert f"mailnix {verb} mail.py --to internal=root@ADDRESS" in codes(page_of(sound()))
    by_proxy = codes(page_of(sound(internal=Internal("internal", ssh_via_proxy=True))))
    assert "mailnix deploy mail.py --to internal=root@ADDRESS" in by_proxy, "there is no tunnel yet"
    assert "mailnix doctor mail.py" in by_proxy
    static = Internal("internal", ipv4="192.168.1.20", gateway="192.168.1.1", nameservers=["192.168.1.1"])
    lines = codes(page_of(sound(internal=static)))
    assert "mailnix deploy mail.py" in lines
    assert "ssh root@192.168.1.20" in lines


def test_a_password_that_others_have_made_is_asked_for_once() -> None:
    put = [line for line in codes(page_of(many_ways())) if line.startswith("mailnix secrets put")]
    assert put == ["mailnix secrets put mail.py proxy-a/haraka.relay.smtp.relay.example"]


def test_a_secrets_folder_elsewhere_is_in_every_command() -> None:
    page = guide(derive(sound()), "my mail.py", secrets="/media/safe box")
    lines = [line for line in codes(page) if line.startswith("mailnix ") and line != "mailnix secrets init"]
    assert all("--secrets '/media/safe box'" in line and "'my mail.py'" in line for line in lines)


def test_each_mailbox_has_what_its_owner_may_use() -> None:
    people = [e for e in read(page_of(many_ways())) if e.attributes.get("class") == "person"]
    shown = {next(e.text for e in read_inside(person) if e.tag == "code"): person for person in people}
    assert len(shown) == 6
    assert "Apple profile" in shown["alice@example.org"].text
    bob = shown["bob@xn--bcher-kva.example"].text
    assert "Code for Thunderbird: bob@xn--bcher-kva.example" in bob
    assert "bob@bücher.example" in bob
    for login, note in {
        "scanner@example.org": "Sends only",
        "pop@example.org": "Is read by POP3 on port 995",
        "carol@example.org": "lets nobody in",
    }.items():
        assert note in shown[login].text
    assert "Apple profile" not in shown["carol@example.org"].text


def read_inside(element: Element) -> list[Element]:
    """An element's descendants."""
    return [found for child in element.children for found in (child, *read_inside(child))]


def test_mailcows_profile_is_named_only_where_it_would_work() -> None:
    path = "https://mail.example.org/mobileconfig.php"
    assert path in codes(page_of(sound()))
    assert f"{path}?only_email" in codes(page_of(sound(internal=Internal("internal", settings={"SKIP_SOGO": True}))))
    assert path not in codes(page_of(sound(client_services=["imap", "submissions"])))


def test_a_thousand_mailboxes_have_a_list_and_no_codes() -> None:
    page = page_of(many(30, 100))
    assert len([e for e in read(page) if e.attributes.get("class") == "person"]) == 3000
    assert "Code for Thunderbird" not in page
    assert f"more than {MOST_CODES} mailboxes" in page
    assert len(page) < 2_000_000


def test_states_stand_at_their_records_and_what_is_wrong_comes_first() -> None:
    page = page_of(sound(), findings=FINDINGS)
    rows = [" ".join(e.text.split()) for e in read(page) if e.attributes.get("class") == "record"]
    (mx,) = [row for row in rows if row.startswith("MX")]
    assert mx.endswith("✓ well 10 mail.example.org. (the authoritative servers)")
    (ptr,) = [row for row in rows if row.startswith(f"PTR {PUBLIC4}")]
    assert ptr.endswith("set it where you rent it")
    assert sum("wait" in row for row in rows) == 1
    found = by_id(page, "state").text
    assert "1 check is well. These are not:" in found
    assert found.index("dns.ptr") < found.index("dns.dkim") < found.index("proxy.units")
    assert 'id="state"' not in page_of(sound())


def test_a_system_where_all_is_well_is_called_so() -> None:
    assert "All is well: 1 check" in " ".join(by_id(page_of(sound(), findings=FINDINGS[:1]), "state").text.split())


def test_every_page_of_documentation_that_it_names_is_there() -> None:
    pages = {e.text for e in read(PAGES["sound"]) if e.attributes.get("class") == "page"}
    assert len(pages) > 4
    assert [page for page in pages if not (ROOT / page).is_file()] == []


def test_a_password_hash_of_the_description_is_not_in_it() -> None:
    kept = "{BLF-CRYPT}$2y$05$" + "abcdefghijklmnopqrstuv" + "w" * 31
    page = page_of(sound(domains=[Domain("example.org", [Mailbox("alice", password_hash=kept)])]))
    assert "BLF" not in page
    assert "2y$05" not in page


def test_a_page_of_ours_is_known_again_and_no_other_is() -> None:
    assert is_guide(PAGES["sound"])
    assert not is_guide("<!DOCTYPE html>\n<title>My letters about mailnix guide</title>")
