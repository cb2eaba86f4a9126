"""Descriptions are read from .py, .toml and .json, and what is wrong with a file is said in one line."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from mailnix import Alias, Backup, DmarcPolicy, Domain, Internal, Mailbox, Proxy, Topology, Tunnel
from mailnix.config import load
from mailnix.errors import ConfigError

SCRIPT = """
from mailnix import *
topology = Topology(
    hostname="mail.example.org",
    proxies=[Proxy("proxy", ipv4="5.9.100.1", admin_cidrs=["192.0.2.0/24"])],
    internal=Internal("internal", antivirus=True, backup=Backup(keep_days=30)),
    admin_keys=["ssh-ed25519 x"],
    tunnel=Tunnel(port=51821),
    domains=[
        Domain("bücher.de", ["alice", Mailbox("bob", quota="2 GiB", name="Bob")],
               [Alias("postmaster", to=["alice"])], dmarc="reject"),
        "example.net",
    ],
)
"""
TOML = """
hostname = "mail.example.org"
admin_keys = ["ssh-ed25519 x"]
[[proxies]]
name = "proxy"
ipv4 = "5.9.100.1"
admin_cidrs = ["192.0.2.0/24"]
[internal]
name = "internal"
antivirus = true
backup = { keep_days = 30 }
[tunnel]
port = 51821
[[domains]]
name = "bücher.de"
dmarc = "reject"
mailboxes = ["alice", { local_part = "bob", quota = "2 GiB", name = "Bob" }]
aliases = [{ local_part = "postmaster", to = ["alice"] }]
[[domains]]
name = "example.net"
"""
DATA: dict[str, Any] = {
    "hostname": "mail.example.org",
    "admin_keys": ["ssh-ed25519 x"],
    "proxies": [{"name": "proxy", "ipv4": "5.9.100.1", "admin_cidrs": ["192.0.2.0/24"]}],
    "internal": {"name": "internal", "antivirus": True, "backup": {"keep_days": 30}},
    "tunnel": {"port": 51821},
    "domains": [
        {
            "name": "bücher.de",
            "dmarc": "reject",
            "mailboxes": ["alice", {"local_part": "bob", "quota": "2 GiB", "name": "Bob"}],
            "aliases": [{"local_part": "postmaster", "to": "alice"}],
        },
        "example.net",
    ],
}
VALUE = Topology(
    hostname="mail.example.org",
    proxies=(Proxy("proxy", "5.9.100.1", admin_cidrs=("192.0.2.0/24",)),),
    internal=Internal("internal", antivirus=True, backup=Backup(keep_days=30)),
    admin_keys=("ssh-ed25519 x",),
    tunnel=Tunnel(port=51821),
    domains=(
        Domain(
            "xn--bcher-kva.de",
            (Mailbox("alice"), Mailbox("bob", "2 GiB", "Bob")),
            (Alias("postmaster", ("alice",)),),
            dmarc=DmarcPolicy.REJECT,
        ),
        Domain("example.net"),
    ),
)


def written(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refused(file: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(file)
    return caught.value


@pytest.mark.parametrize(
    ("name", "text"),
    [("mail.py", SCRIPT), ("mail.toml", TOML), ("mail.json", json.dumps(DATA))],
    ids=["py", "toml", "json"],
)
def test_every_form_gives_the_same_value(tmp_path: Path, name: str, text: str) -> None:
    assert load(written(tmp_path, name, text)) == VALUE


def test_the_example_in_the_documentation_is_read() -> None:
    example = Path(__file__).parent.parent / "docs/examples/two_machines.py"
    assert load(example).hostname == "mail.example.org"


def test_a_script_may_import_its_neighbours(tmp_path: Path) -> None:
    written(tmp_path, "neighbour_of_mail.py", "HOST = 'mail.example.org'")
    text = SCRIPT.replace('"mail.example.org"', "HOST").replace(
        "\nfrom", "\nfrom neighbour_of_mail import HOST\nfrom", 1
    )
    assert load(written(tmp_path, "mail.py", text)) == VALUE


def test_what_a_script_prints_stays_away_from_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(written(tmp_path, "mail.py", SCRIPT + "\nprint('hello')"))
    assert capsys.readouterr() == ("", "hello\n")


@pytest.mark.parametrize(
    ("text", "line", "said", "hint"),
    [
        ("x = 1\n\nraise ValueError('no\\nway')", 3, "the script raised ValueError: no", "raise ValueError"),
        ("def f():\n    return 1 / 0\nf()", 2, "ZeroDivisionError", "return 1 / 0"),
        ("import sys\nsys.exit(3)", 2, "SystemExit", "sys.exit(3)"),
        ("import nowhere_at_all", 1, "No module named 'nowhere_at_all'", "import nowhere_at_all"),
        ("from mailnix import *\nMailbox('a', quotta=1)", 2, 'has no field "quotta"', "quotta=1"),
        ("x = (\n", 1, "Python does not read this", "x = ("),
        ("x = 1\n  y = 2", 2, "unexpected indent", "y = 2"),
    ],
)
def test_a_script_that_fails_is_shown_at_its_own_line(
    tmp_path: Path, text: str, line: int, said: str, hint: str
) -> None:
    file = written(tmp_path, "mail.py", text)
    (problem,) = refused(file).problems
    assert problem.path == f"{file}:{line}"
    assert said in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "defines no `topology`"),
        ("from mailnix import *\ntopology = {}", "is a dict, not a Topology"),
        ("from mailnix import Topology as topology", "is a type, not a Topology"),
    ],
)
def test_a_script_without_a_topology_is_told_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = refused(written(tmp_path, "mail.py", text)).problems
    assert said in problem.message
    assert "topology = Topology(" in problem.hint


def test_a_topology_under_another_name_is_found_and_named(tmp_path: Path) -> None:
    (problem,) = refused(written(tmp_path, "mail.py", SCRIPT.replace("topology =", "mine ="))).problems
    assert problem.hint == "rename mine to topology"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("mail.py", "", "is empty"),
        ("mail.toml", "  \n", "is empty"),
        ("mail.json", "", "is empty"),
        ("mail.py", b"\x7fELF\x00\xff\xfe", "is not a text file"),
        ("mail.toml", b"a\x00b", "is not a text file"),
        ("mail.json", b"\xff", "is not a text file"),
        ("mail.toml", "a = [", "is not TOML"),
        ("mail.json", "{,}", "is not JSON"),
        ("mail.json", "[" * 100_000, "is nested too deeply"),
        ("mail.json", "[]", "holds a list"),
        ("mail.yaml", "a: b", "is a .py, .toml or .json file"),
    ],
)
def test_a_file_that_is_no_description_gets_one_sentence(
    tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    (problem,) = refused(written(tmp_path, name, text)).problems
    assert said in problem.message


def test_a_missing_file_and_a_folder_get_a_next_step(tmp_path: Path) -> None:
    assert refused(tmp_path / "mail.py").problems[0].hint == "begin with: mailnix init"
    file = written(tmp_path, "mail.toml", TOML)
    assert refused(tmp_path).problems[0].hint == f"name the file in it: {file}"


def test_a_description_from_a_future_version_is_refused_before_anything_else(tmp_path: Path) -> None:
    text = json.dumps({**DATA, "version": 2, "new_thing": 1})
    (problem,) = refused(written(tmp_path, "mail.json", text)).problems
    assert "newer mailnix (version 2; this one reads 1)" in problem.message


def test_unknown_missing_and_wrong_keys_are_reported_together(tmp_path: Path) -> None:
    data = json.loads(json.dumps(DATA))
    data["hostnam"] = data.pop("hostname")
    data["domains"][0]["mailboxes"][1]["quotta"] = "1 GiB"
    data["domains"][0]["mailboxes"][1]["quota"] = "plenty"
    del data["proxies"][0]["ipv4"]
    data["timezone"] = 5
    found = {p.path: p for p in refused(written(tmp_path, "mail.json", json.dumps(data))).problems}
    assert found["hostname"].message == "is missing"
    assert found["hostnam"].hint == "did you mean hostname?"
    assert found["domains[0].mailboxes[1].quotta"].hint == "did you mean quota?"
    assert found["proxies[0].ipv4"].message == "is missing"
    assert "not a size" in found["domains[0].mailboxes[1].quota"].message
    assert "not a text" in found["timezone"].message


@pytest.mark.parametrize("junk", [None, 5, "x", [], {}, [[]], [{}], {"a": 1}, True, 1.5])
@pytest.mark.parametrize("key", ["hostname", "proxies", "internal", "domains", "tunnel", "version", "admin_keys"])
def test_junk_under_any_key_never_ends_in_a_traceback(tmp_path: Path, key: str, junk: Any) -> None:
    from mailnix.model.check import problems

    file = written(tmp_path, "mail.json", json.dumps({**DATA, key: junk}))
    with contextlib.suppress(ConfigError):
        problems(load(file))
