"""Addresses: which there may be, where they lead, who may log in and send as whom."""

from __future__ import annotations

import time
from typing import Any

import pytest
from attrs import evolve

from mailnix import Alias, AppPassword, Domain, Mailbox, Protocol, Proxy, State, Topology
from mailnix.errors import Problem, Severity
from mailnix.model import mirrors
from mailnix.model.check import problems
from mailnix.model.mail import address_of, sender_of, shown_name
from tests.descriptions import PUBLIC4, many, sound

ALICE = "domains[0].mailboxes[0]"
GONE = Mailbox("gone", state="inactive")
HASH = "{BLF-CRYPT}$2y$10$" + "abcdefghijklmnopqrstu" + "v" * 32


def domain(**changed: Any) -> Topology:
    fields = {"mailboxes": ["alice", "bob"], "aliases": [Alias("postmaster", ["alice"])], **changed}
    return sound(domains=[Domain("example.org", **fields)])


def alice(**changed: Any) -> Topology:
    return domain(mailboxes=[Mailbox("alice", **changed), "bob"])


def mirror(**changed: Any) -> Topology:
    return sound(domains=[*domain().domains, Domain("example.net", **{"alias_of": "example.org", **changed})])


def to(target: str) -> Domain:
    return Domain("example.org", ["alice"], [Alias("postmaster", target)])


def found(topology: Topology, path: str) -> Problem:
    here = [problem for problem in problems(topology) if problem.path == path]
    assert here, f"nothing at {path}, but: {problems(topology)}"
    return here[0]


@pytest.mark.parametrize("local_part", ["o'brien", "a/b", "%", "*", "sales`x", "a=b", "a!b", "~", "x&y", "#1", "-a"])
def test_a_mailbox_that_nobody_could_log_in_to_is_refused_and_the_reason_names_mailcow(local_part: str) -> None:
    problem = found(domain(mailboxes=["alice", local_part]), "domains[0].mailboxes[1].local_part")
    assert problem.severity is Severity.ERROR
    assert "Mailcow" in problem.message


@pytest.mark.parametrize("local_part", ["a.b", "a_b", "a-b", "x1", "_", "9", "Alice.B", "x" * 64])
def test_a_mailbox_of_letters_digits_dot_dash_and_underscore_is_fine(local_part: str) -> None:
    assert problems(domain(mailboxes=["alice", local_part])) == ()


@pytest.mark.parametrize("local_part", ["a/b", "sales%shop", "a!b", "-a"])
def test_an_alias_that_postfix_or_mailcow_would_not_take_is_refused(local_part: str) -> None:
    assert "Mailcow" in found(domain(aliases=[Alias(local_part, "alice")]), "domains[0].aliases[0].local_part").message


@pytest.mark.parametrize("local_part", ["o'brien", "a*b", "sales`x", "a=b", "x&y", "{a}"])
def test_an_alias_may_have_what_needs_no_login(local_part: str) -> None:
    assert problems(domain(aliases=[Alias("postmaster", "alice"), Alias(local_part, "alice")])) == ()


WRONG = {
    "a discarding alias with a target": (
        domain(aliases=[Alias("noreply", "alice", discard=True)]),
        "domains[0].aliases[0].to",
        "discard",
    ),
    "an alias without anything": (domain(aliases=[Alias("noreply")]), "domains[0].aliases[0].to", "discard=True"),
    "Mailcow's word for discarding": (
        domain(aliases=[Alias("noreply", ["null@localhost"])]),
        "domains[0].aliases[0].to[0]",
        "discard=True",
    ),
    "a catch-all to nobody": (domain(catch_all=["nobody"]), "domains[0].catch_all[0]", "there is no"),
    "a copy that is kept nowhere": (alice(keep_copy=False), f"{ALICE}.keep_copy", "lost"),
    "a forward to itself": (alice(forward_to=["alice "]), f"{ALICE}.forward_to", "back to itself"),
    "a forward to a tag of itself": (alice(forward_to=["alice+x"]), f"{ALICE}.forward_to", "back to itself"),
    "a forward by an alias to itself": (alice(forward_to=["postmaster"]), "domains[0].aliases[0].to", "back to itself"),
    "a forward to an inactive mailbox": (
        domain(mailboxes=[Mailbox("alice", forward_to=["bob"], keep_copy=False), Mailbox("bob", state="inactive")]),
        f"{ALICE}.forward_to[0]",
        "archived",
    ),
    "an alias to an inactive mailbox and another": (
        domain(mailboxes=["alice", GONE], aliases=[Alias("postmaster", "alice"), Alias("info", ["alice", "gone"])]),
        "domains[0].aliases[1].to[1]",
        "inactive",
    ),
    "an alias to a tag of an inactive mailbox": (
        domain(mailboxes=["alice", GONE], aliases=[Alias("postmaster", "gone+x")]),
        "domains[0].aliases[0].to[0]",
        "inactive",
    ),
    "an alias to a mirror of an inactive mailbox": (
        sound(
            domains=[
                Domain("example.org", ["alice", GONE], [Alias("postmaster", "gone@example.net")]),
                Domain("example.net", alias_of="example.org"),
            ]
        ),
        "domains[0].aliases[0].to[0]",
        "gone@example.net is an inactive mailbox",
    ),
    "a catch-all to an inactive mailbox": (
        domain(mailboxes=["alice", GONE], catch_all=["gone"]),
        "domains[0].catch_all[0]",
        "inactive",
    ),
    "a target at the mail host": (
        alice(forward_to=["bob@mail.example.org"]),
        f"{ALICE}.forward_to[0]",
        "did you mean bob@example.org?",
    ),
    "a target at a proxy": (
        sound(proxies=[Proxy("proxy", ipv4=PUBLIC4, hostname="mx.example.org")], domains=[to("who@mx.example.org")]),
        "domains[0].aliases[0].to[0]",
        "takes no mail",
    ),
    "a target at a former host name": (
        sound(former_hostnames=["old.example.org"], domains=[to("alice@old.example.org")]),
        "domains[0].aliases[0].to[0]",
        "did you mean alice@example.org?",
    ),
    "a target at this machine": (
        domain(aliases=[Alias("postmaster", "root@localhost.localdomain")]),
        "domains[0].aliases[0].to[0]",
        "takes no mail",
    ),
    "a target at a name of mail programs": (
        domain(aliases=[Alias("postmaster", "alice@autoconfig.example.org")]),
        "domains[0].aliases[0].to[0]",
        "did you mean alice@example.org?",
    ),
    "a forward to a name of mail programs": (
        alice(forward_to=["who@autodiscover.example.org"]),
        f"{ALICE}.forward_to[0]",
        "takes no mail",
    ),
    "a catch-all at the host of a policy": (
        domain(catch_all=["alice@MTA-STS.example.org"]),
        "domains[0].catch_all[0]",
        "did you mean alice@example.org?",
    ),
    "a target at a mirror's name of mail programs": (
        sound(domains=[to("alice@autoconfig.example.net"), Domain("example.net", alias_of="example.org")]),
        "domains[0].aliases[0].to[0]",
        "did you mean alice@example.net?",
    ),
    "a target at the mail host, from another domain": (
        sound(domains=[Domain("example.net", aliases=[Alias("postmaster", "alice@mail.example.org")]), to("alice")]),
        "domains[0].aliases[0].to[0]",
        "did you mean alice@example.org?",
    ),
    "a target with its owner's name": (
        domain(aliases=[Alias("postmaster", "Alice <alice@example.org>")]),
        "domains[0].aliases[0].to[0]",
        "write only alice@example.org",
    ),
    "a target that is a link": (
        alice(forward_to=["mailto:me@gmail.com?subject=x"]),
        f"{ALICE}.forward_to[0]",
        "write only me@gmail.com",
    ),
    "a target that is too long": (
        alice(forward_to=[f"{'x' * 64}@{'.'.join(['y' * 60] * 4)}"]),
        f"{ALICE}.forward_to[0]",
        "longer than 254",
    ),
    "a mailbox that PHP takes for none": (
        domain(mailboxes=["alice", "0"]),
        "domains[0].mailboxes[1].local_part",
        "Mailcow",
    ),
    "an address that is too long": (
        sound(domains=[Domain(f"{'.'.join(['y' * 60] * 3)}.example.org", ["postmaster", "x" * 64])]),
        "domains[0].mailboxes[1].local_part",
        "longer than 254",
    ),
    "an app password that PHP takes for none": (
        alice(app_passwords=["0"]),
        f"{ALICE}.app_passwords[0].name",
        "not 0 alone",
    ),
    "a forward to no address": (alice(forward_to=["a b@example.net"]), f"{ALICE}.forward_to[0]", "local part"),
    "a forward to too many": (
        alice(forward_to=[f"x{n}@example.net" for n in range(101)]),
        f"{ALICE}.forward_to",
        "100 addresses",
    ),
    "a forward of what is refused": (
        alice(forward_to=["bob"], state="inactive"),
        f"{ALICE}.state",
        "archived",
    ),
    "a state that there is not": (alice(state="gone"), f"{ALICE}.state", "'archived'"),
    "a protocol that there is not": (alice(protocols=["imaps"]), f"{ALICE}.protocols[0]", "'imap'"),
    "a sender of somebody else's domain": (alice(send_as=["me@gmail.com"]), f"{ALICE}.send_as[0]", "SPF"),
    "a sender that there is not": (alice(send_as=["carol"]), f"{ALICE}.send_as[0]", "there is no carol@example.org"),
    "a whole domain of somebody else": (alice(send_as=["@gmail.com"]), f"{ALICE}.send_as[0]", "gmail.com"),
    "a sender with its owner's name": (
        alice(send_as=["Bob <bob@example.org>"]),
        f"{ALICE}.send_as[0]",
        "write only bob@example.org",
    ),
    "everything and something": (alice(send_as=["*", "bob"]), f"{ALICE}.send_as[0]", "others"),
    "a password as it is": (alice(password_hash="secret"), f"{ALICE}.password_hash", "password_file"),
    "a password as it is, with a scheme": (
        alice(password_hash="{PLAIN}secret"),
        f"{ALICE}.password_hash",
        "BLF-CRYPT",
    ),
    "a hash without its scheme": (alice(password_hash="$6$salt$hash"), f"{ALICE}.password_hash", "{SHA512-CRYPT}"),
    "a hash that is cut off": (
        alice(password_hash=HASH[:-1]),
        f"{ALICE}.password_hash",
        "no whole hash of {BLF-CRYPT}, whose form is $2y$, two digits of cost, $ and 53 characters",
    ),
    "a hash under the name of another scheme": (
        alice(password_hash=HASH.replace("BLF-CRYPT", "SHA512-CRYPT")),
        f"{ALICE}.password_hash",
        "it is one of {BLF-CRYPT}",
    ),
    "a password twice": (alice(password_hash=HASH, password_file="alice"), f"{ALICE}.password_file", "one of the two"),
    "a password outside of the folder": (alice(password_file="../alice"), f"{ALICE}.password_file", "secrets folder"),
    "a password at the root": (alice(password_file="/etc/shadow"), f"{ALICE}.password_file", "secrets folder"),
    "an app password for nothing": (
        alice(app_passwords=[AppPassword("phone", [])]),
        f"{ALICE}.app_passwords[0].protocols",
        "opens nothing",
    ),
    "an app password for the web mail": (
        alice(app_passwords=[AppPassword("phone", ["sogo"])]),
        f"{ALICE}.app_passwords[0].protocols",
        "web mail",
    ),
    "an app password twice": (
        alice(app_passwords=["phone", "Phone"]),
        f"{ALICE}.app_passwords[1].name",
        "another",
    ),
    "an app password that Mailcow would write otherwise": (
        alice(app_passwords=["a & b"]),
        f"{ALICE}.app_passwords[0].name",
        "letters",
    ),
    "a name that PHP takes for none": (alice(name="0"), f"{ALICE}.name", "no name"),
    "a name of nothing but brackets": (alice(name="<>"), f"{ALICE}.name", "no name"),
    "a mirror of nothing": (domain(alias_of="example.net"), "domains[0].alias_of", "none of the domains"),
    "a mirror of itself": (domain(alias_of="example.org"), "domains[0].alias_of", "itself"),
    "a mirror with mailboxes": (mirror(mailboxes=["carol"]), "domains[1].mailboxes", "alias domain"),
    "a mirror that hides a mailbox": (
        mirror(aliases=[Alias("bob", "alice@example.org")]),
        "domains[1].aliases[0].local_part",
        "bob@example.org",
    ),
    "a mirror of a mirror": (
        sound(domains=[*mirror().domains, Domain("example.com", alias_of="example.net")]),
        "domains[2].alias_of",
        "mirror example.org",
    ),
    "a sender that only mirrors a mailbox": (
        sound(domains=[*alice(send_as=["bob@example.net"]).domains, Domain("example.net", alias_of="example.org")]),
        f"{ALICE}.send_as[0]",
        "write bob@example.org",
    ),
    "a loop by a mirror": (
        sound(
            domains=[
                Domain("example.org", ["alice"], [Alias("postmaster", "x@example.net"), Alias("x", "postmaster")]),
                Domain("example.net", alias_of="example.org"),
            ]
        ),
        "domains[0].aliases[0].to",
        "back to itself",
    ),
    "a loop of two catch-alls": (
        sound(
            domains=[
                Domain("a.org", ["postmaster"], catch_all=["any@b.org"]),
                Domain("b.org", ["postmaster"], catch_all=["any@a.org"]),
            ]
        ),
        "domains[0].catch_all",
        "back to itself",
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_found_where_it_is_with_what_to_do(case: tuple[Topology, str, str]) -> None:
    topology, path, words = case
    problem = found(topology, path)
    assert problem.severity is Severity.ERROR
    assert words in f"{problem.message} {problem.hint}"


def test_a_wrong_hash_is_not_repeated_for_it_may_be_the_password() -> None:
    assert "secret" not in str(problems(alice(password_hash="secret")))
    assert "secret" not in repr(Mailbox("alice", password_hash="secret"))


FINE = {
    "an alias that throws away": domain(aliases=[Alias("postmaster", "alice"), Alias("noreply", discard=True)]),
    "a catch-all": domain(catch_all=["alice"]),
    "a catch-all is a postmaster, too": domain(aliases=[], catch_all=["alice"]),
    "a target that a catch-all takes": domain(aliases=[Alias("postmaster", "any@example.org")], catch_all=["alice"]),
    "somebody whose mail is refused": domain(mailboxes=["alice", GONE]),
    "an alias of a digit": domain(aliases=[Alias("postmaster", "alice"), Alias("0", "alice")]),
    "an address of 254 characters": sound(
        domains=[Domain(f"{'.'.join(['y' * 58] * 3)}.example.org", ["postmaster", "x" * 64])]
    ),
    "a pasted blank in a local part": domain(mailboxes=[" Alice"], aliases=[Alias("postmaster ", "alice")]),
    "a pasted blank": domain(aliases=[Alias("postmaster", [" Alice", "bob "])]),
    "a mailbox that keeps and forwards": alice(forward_to=["bob", "me@gmail.com"]),
    "a mailbox that only forwards": alice(forward_to=["me@gmail.com"], keep_copy=False),
    "somebody who left": alice(state="archived", forward_to=["bob"], keep_copy=False),
    "senders of ours": alice(send_as=["postmaster", "bob@example.org", "@example.org"]),
    "any sender": alice(send_as="*"),
    "fewer protocols": alice(protocols=["imap", "smtp"]),
    "a hash": alice(password_hash=HASH),
    "a file": alice(password_file="passwords/alice@example.org"),
    "app passwords": alice(app_passwords=["phone", AppPassword("Scanner 2", ["smtp"])]),
    "an app password for less": alice(protocols=["imap", "smtp"], app_passwords=[AppPassword("scanner", ["smtp"])]),
    "app passwords for programs, and another for the web mail": alice(protocols="sogo", app_passwords="phone"),
    "a mirror": mirror(),
    "a mirror that differs": mirror(
        aliases=[Alias("postmaster", "bob@example.org"), Alias("shop", "alice@example.org")],
        catch_all=["shop"],
    ),
    "a target in a mirror": sound(
        domains=[
            Domain("example.org", ["alice"], [Alias("postmaster", "alice@example.net")]),
            Domain("example.net", alias_of="Example.org"),
        ]
    ),
}


@pytest.mark.parametrize("topology", FINE.values(), ids=FINE.keys())
def test_what_is_allowed_is_not_complained_about(topology: Topology) -> None:
    assert problems(topology) == ()


def test_an_alias_to_an_address_elsewhere_is_warned_of_and_the_better_way_is_named() -> None:
    topology = domain(aliases=[Alias("postmaster", "alice"), Alias("bob2", ["bob1234@gmail.com"])])
    problem = found(topology, "domains[0].aliases[1].to[0]")
    assert problem.severity is Severity.WARNING
    assert "SPF" in problem.message
    assert 'forward_to=["bob1234@gmail.com"]' in problem.hint


def test_an_inactive_mailbox_beside_a_catch_all_is_warned_of_for_its_mail_goes_there() -> None:
    own = domain(mailboxes=["alice", GONE], catch_all=["alice"])
    mirrored = sound(
        domains=[
            Domain("example.org", ["alice", GONE], [Alias("postmaster", "alice")]),
            Domain("example.net", alias_of="example.org", catch_all=["alice@example.org"]),
        ]
    )
    for topology, address in ((own, "gone@example.org"), (mirrored, "gone@example.net")):
        problem = found(topology, "domains[0].mailboxes[1].state")
        assert problem.severity is Severity.WARNING
        assert problem.message.startswith(f"mail for {address} goes to the catch-all")
        assert "archived" in problem.hint


@pytest.mark.parametrize(
    "fields",
    [
        {"aliases": [Alias("postmaster", discard=True)]},
        {"aliases": [Alias("postmaster", ["null"]), Alias("null", discard=True)]},
        {"aliases": [Alias("postmaster", discard=True)], "catch_all": ["alice"]},
        {"aliases": [], "mailboxes": ["alice", Mailbox("postmaster", state="inactive")]},
        {
            "aliases": [Alias("null", discard=True)],
            "mailboxes": ["alice", Mailbox("postmaster", forward_to=["null"], keep_copy=False)],
        },
    ],
)
def test_a_postmaster_whose_mail_nobody_gets_is_none(fields: dict[str, Any]) -> None:
    problem = found(domain(**fields), "domains[0]")
    assert problem.severity is Severity.WARNING
    assert problem.message.startswith("example.org has a postmaster whose mail nobody gets")


def test_an_app_password_that_opens_more_than_the_mailboxs_is_warned_of() -> None:
    problem = found(alice(protocols="smtp", app_passwords="copier"), f"{ALICE}.app_passwords[0].protocols")
    assert problem.severity is Severity.WARNING
    assert problem.message.startswith("opens imap all the same")
    assert problem.hint.startswith("write AppPassword(\"copier\", ['smtp'])")


def test_brackets_around_a_name_are_warned_of_for_mailcow_takes_them_away() -> None:
    assert found(alice(name="<Alice>"), f"{ALICE}.name").severity is Severity.WARNING
    assert shown_name("<<Alice> B.>>") == "Alice> B."


@pytest.mark.parametrize("target", ['bob+x"; discard; redirect "evil@example.com', "bob+a b", "bob+x\\y@example.org"])
def test_what_follows_a_plus_is_checked_too(target: str) -> None:
    assert found(alice(forward_to=[target]), f"{ALICE}.forward_to[0]").severity is Severity.ERROR


def test_a_target_is_read_in_one_way_for_the_check_and_for_what_is_emitted() -> None:
    texts = [" Alice", "alice ", "ALICE@Example.ORG", "alice@example.org.", "\u00a0alice"]
    assert {address_of(text, "example.org") for text in texts} == {"alice@example.org"}
    assert address_of("x@bücher.de", "example.org") == "x@xn--bcher-kva.de"
    assert [sender_of(text, "a.org") for text in ("* ", "@B.org", "x")] == ["*", "@b.org", "x@a.org"]


def test_a_mirror_has_the_addresses_of_the_other_but_for_what_it_says_itself() -> None:
    topology = mirror(aliases=[Alias("postmaster", "bob@example.org")], catch_all=["postmaster"])
    domains = mirrors.by_name(topology)
    assert [*mirrors.aliases(domains["example.net"], domains)] == [
        Alias("postmaster", ("bob@example.org",)),
        Alias("", ("postmaster@example.net",)),
    ]
    assert mirrors.local_parts(domains["example.net"], domains) == {"alice", "bob", "postmaster"}


def test_bare_texts_and_members_are_the_same_value() -> None:
    assert Mailbox("a", state="archived", protocols="imap", app_passwords="phone") == Mailbox(
        "a", state=State.ARCHIVED, protocols=[Protocol.IMAP], app_passwords=[AppPassword("phone")]
    )


def test_checking_twice_as_many_mirrors_takes_about_twice_as_long() -> None:
    def seconds(count: int) -> float:
        first, *others = many(count).domains
        topology = sound(domains=[first, *(evolve(d, mailboxes=(), alias_of=first.name) for d in others)])
        begin = time.process_time()
        problems(topology)
        return time.process_time() - begin

    seconds(20)
    assert min(seconds(800) for _ in range(2)) < 8 * min(seconds(200) for _ in range(3))
