"""What phones read is what their makers say, and has no password."""

from __future__ import annotations

import json
import plistlib
from base64 import b64decode

from mailnix.guide.codes import apple_profile, data_link, thunderbird
from mailnix.guide.servers import Server, servers
from mailnix.model.clientport import KNOWN, OFFERED, client_port

IMAP = Server("imap.domain.example", client_port("imaps").port, "imap", starttls=False)
SMTP = Server("smtp.domain.example", client_port("submissions").port, "smtp", starttls=False)


def test_thunderbirds_code_is_the_first_example_of_its_specification() -> None:
    assert json.loads(thunderbird(IMAP, SMTP, "user@domain.example", "Jane Doe")) == [
        1,
        [1, 1],
        [0, "imap.domain.example", 993, 3, 1, "user@domain.example"],
        [[[0, "smtp.domain.example", 465, 3, 1, "user@domain.example"], ["user@domain.example", "Jane Doe"]]],
    ]


def test_thunderbirds_code_says_how_tls_begins_and_which_protocol_it_is() -> None:
    pop = Server("mail.example.org", client_port("pop3").port, "pop3", starttls=True)
    submission = Server("mail.example.org", client_port("submission").port, "smtp", starttls=True)
    _, _, incoming, ((outgoing, _),) = json.loads(thunderbird(pop, submission, "a@example.org", "Ünal"))
    assert incoming[:4] == [1, "mail.example.org", 110, 2]
    assert outgoing[2:4] == [587, 2]


def test_a_name_in_another_script_is_written_in_ascii_for_a_code_names_no_encoding() -> None:
    text = thunderbird(IMAP, SMTP, "user@domain.example", "Ünal 日本")
    assert text.isascii()
    assert json.loads(text)[3][0][1][1] == "Ünal 日本"


def test_apples_profile_has_every_key_that_apple_requires_and_no_password() -> None:
    profile = plistlib.loads(apple_profile(IMAP, SMTP, "alice@example.org", "Alice & <Bob>"))
    (account,) = profile["PayloadContent"]
    assert account["EmailAccountType"] == "EmailTypeIMAP"
    assert account["EmailAccountName"] == "Alice & <Bob>"
    for way, server in (("Incoming", IMAP), ("Outgoing", SMTP)):
        assert account[f"{way}MailServerAuthentication"] == "EmailAuthPassword"
        assert account[f"{way}MailServerHostName"] == server.host
        assert account[f"{way}MailServerPortNumber"] == server.port
        assert account[f"{way}MailServerUseSSL"] is True
        assert account[f"{way}MailServerUsername"] == "alice@example.org"
    for payload in (profile, account):
        assert {"PayloadIdentifier", "PayloadType", "PayloadUUID", "PayloadVersion"} <= payload.keys()
    assert not {"IncomingPassword", "OutgoingPassword"} & account.keys()


def test_a_newer_profile_takes_the_place_of_the_older_and_of_no_others() -> None:
    once, again = (plistlib.loads(apple_profile(IMAP, SMTP, "alice@example.org", name)) for name in ("A", "B"))
    other = plistlib.loads(apple_profile(IMAP, SMTP, "bob@example.org", "A"))
    keys = ("PayloadIdentifier", "PayloadUUID")
    assert [once[key] for key in keys] == [again[key] for key in keys]
    assert not {once[key] for key in keys} & {other[key] for key in keys}


def test_a_data_link_has_the_file_in_it() -> None:
    kind, _, rest = data_link("text/plain", b"\x00<>").partition(";base64,")
    assert (kind, b64decode(rest)) == ("data:text/plain", b"\x00<>")


def test_servers_stand_in_the_order_in_which_they_are_to_be_tried() -> None:
    assert [each.port for each in servers("mail.example.org", OFFERED)] == [993, 465, 587]
    every = [(each.protocol, each.security) for each in servers("mail.example.org", KNOWN)]
    assert every == [
        ("IMAP", "SSL/TLS"),
        ("POP3", "SSL/TLS"),
        ("SMTP", "SSL/TLS"),
        ("IMAP", "STARTTLS"),
        ("POP3", "STARTTLS"),
        ("SMTP", "STARTTLS"),
    ]
