"""What each verb prints, for people and for programs."""

from __future__ import annotations

import io
import json
import shutil
import stat
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from mailnix.cli.tables import plan_text
from mailnix.cli.verbs import mailnix as mailnix_command
from mailnix.config import load
from mailnix.model.check import problems
from mailnix.plan import derive
from tests.cli.conftest import CONFIG, Run
from tests.descriptions import KEY, sound

SCRIPT_WITH_MISTAKES = CONFIG.replace("5.9.100.1", "10.0.0.1").replace('to=["alice"]', 'to=["nobody"]')


def test_check_says_that_all_is_well(mailnix: Run, config: Path) -> None:
    said = mailnix("check", config)
    assert said.status == 0
    assert said.out == f"{config}: no mistakes\n"


def test_check_reports_every_mistake_with_its_path_and_what_to_do(mailnix: Run, config: Path) -> None:
    config.write_text(SCRIPT_WITH_MISTAKES)
    said = mailnix("check", config)
    assert said.status == 1
    assert "error: proxies[0].ipv4: 10.0.0.1 is a private address" in said.out
    assert "error: domains[0].aliases[0].to[0]: there is no nobody@example.org\n    name a mailbox" in said.out
    assert said.out.endswith("2 mistakes, 1 warning\n")  # whose postmaster is nobody has none


def test_check_is_json_for_programs_whatever_is_wrong(mailnix: Run, config: Path) -> None:
    assert mailnix("check", config, "--json").json == {"ok": True, "problems": []}
    config.write_text(SCRIPT_WITH_MISTAKES)
    found = mailnix("check", config, "--json")
    assert found.status == 1
    assert found.json["ok"] is False
    errors = {p["path"] for p in found.json["problems"] if p["severity"] == "error"}
    assert errors == {"proxies[0].ipv4", "domains[0].aliases[0].to[0]"}
    config.write_text("1 / 0")
    assert mailnix("check", config, "--json").json["problems"][0]["path"] == f"{config}:1"


def test_check_shows_warnings_and_passes(mailnix: Run, config: Path) -> None:
    config.write_text(CONFIG.replace("5.9.100.1", "203.0.113.9"))
    said = mailnix("check", config)
    assert said.status == 0
    assert "warning: proxies[0].ipv4" in said.out
    assert said.out.endswith("no mistakes, 1 warning\n")


@pytest.mark.parametrize("verb", [["plan"], ["dns"], ["secrets", "init"]])
def test_other_verbs_refuse_a_wrong_description_with_every_mistake(mailnix: Run, config: Path, verb: list[str]) -> None:
    config.write_text(SCRIPT_WITH_MISTAKES)
    said = mailnix(*verb, config)
    assert said.status == 1
    assert said.out == ""
    assert said.err.count("error: ") == 2


def test_plan_shows_what_was_decided(mailnix: Run, config: Path) -> None:
    said = mailnix("plan", config)
    assert said.status == 0
    for title in (
        "Machines",
        "Network cards",
        "Logins",
        "Tunnels",
        "Listeners",
        "Flows",
        "Certificates",
        "Backups",
        "Credentials",
        "DNS records",
    ):
        assert f"{title}" in said.out
    for fact in (
        "ssh root@5.9.100.1",
        "ssh root@ADDRESS  (ADDRESS: what the home router gives it)",
        "5.9.100.1:51820/udp  ipv4",
        "the first with a cable",
        "10.83.119.2",
        "haraka-in",
        "mailcow.dkim",
        "_dmarc.example.org",
        "993/tcp",
        "/mnt/backups  Sun 04:00  30 days",
    ):
        assert fact in said.out
    assert "\x1b" not in said.out


def test_plan_tells_former_names_from_those_in_use() -> None:
    text = plan_text(derive(sound(former_hostnames=["old.example.net"])))
    assert "mail.example.org old.example.net (former)" in text


def test_plan_is_whole_as_json(mailnix: Run, config: Path) -> None:
    plan = mailnix("plan", config, "--json").json
    assert plan["proxies"][0]["ipv4"] == "5.9.100.1"
    assert plan["proxies"][0]["listeners"][1] == {
        "service": "haraka-in", "transport": "tcp", "port": 25, "reach": "internet", "addresses": [],
    }  # fmt: skip
    assert [login["command"] for login in plan["logins"]] == ["ssh root@5.9.100.1", "ssh root@ADDRESS"]
    assert plan["internal"]["backup"] == {"folder": "/mnt/backups", "at": "Sun 04:00", "keep_days": 30}
    assert plan["topology"]["domains"][0]["mailboxes"][0]["local_part"] == "alice"


def test_dns_prints_a_zone_or_json(mailnix: Run, config: Path) -> None:
    assert "example.org. IN MX 10 mail.example.org." in mailnix("dns", config).out
    by_option = mailnix("dns", config, "--json").json
    assert by_option == mailnix("dns", config, "--format", "json").json
    assert {"zone": "example.org", "name": "example.org", "type": "MX", "data": "10 mail.example.org."}.items() <= next(
        record for record in by_option if record["type"] == "MX"
    ).items()


def test_dns_has_the_dkim_key_as_soon_as_secrets_were_made(mailnix: Run, config: Path) -> None:
    before = mailnix("dns", config)
    assert "mailnix secrets init" in before.err
    assert mailnix("secrets", "init", config).status == 0
    after = mailnix("dns", config)
    assert after.err == ""
    assert "\ndkim._domainkey.example.org. IN TXT" in after.out


def test_secrets_are_made_beside_the_description_and_never_printed(mailnix: Run, config: Path) -> None:
    first = mailnix("secrets", "init", config)
    again = mailnix("secrets", "init", config)
    rotated = mailnix("secrets", "rotate", config, "mailcow.dbpass")
    as_json = mailnix("secrets", "rotate", config, "mailcow.mailboxes:alice@example.org", "--json")
    folder = config.parent / "secrets"
    assert f"{folder}: 15 made, 0 kept" in first.out
    assert f"{folder}: 0 made, 15 kept" in again.out
    assert "1 made, 14 kept" in rotated.out
    assert as_json.json["made"][0]["entries"] == ["alice@example.org"]
    printed = "".join(said.out + said.err for said in (first, again, rotated, as_json))
    values = {file.read_text() for host in ("proxy", "internal") for file in (folder / host).iterdir()}
    values |= set(json.loads((folder / "internal/mailcow.mailboxes").read_text()).values())
    assert not [value for value in values if value in printed]


def test_another_secrets_folder_can_be_named(mailnix: Run, config: Path, tmp_path: Path) -> None:
    assert mailnix("secrets", "init", config, "--secrets", tmp_path / "elsewhere").status == 0
    assert not (tmp_path / "secrets").exists()
    assert "\ndkim._domainkey" in mailnix("dns", config, "--secrets", tmp_path / "elsewhere").out


def test_an_open_secrets_folder_is_refused_with_the_remedy(mailnix: Run, config: Path) -> None:
    mailnix("secrets", "init", config)
    (config.parent / "secrets").chmod(0o755)
    said = mailnix("secrets", "init", config)
    assert said.status == 1
    assert "open to others" in said.err
    assert "chmod" in said.err


@pytest.mark.skipif(not shutil.which("mke2fs", path="/usr/sbin:/sbin:/usr/bin"), reason="mke2fs is not installed")
def test_a_seed_disk_is_private_and_lies_in_the_secrets_folder(mailnix: Run, config: Path) -> None:
    mailnix("secrets", "init", config)
    said = mailnix("secrets", "seed", config, "proxy")
    image = config.parent / "secrets" / "proxy-seed.img"
    assert said.out == f"{image}\n"
    assert stat.S_IMODE(image.stat().st_mode) == 0o600
    assert mailnix("secrets", "init", config).status == 0


def test_a_push_to_a_machine_without_public_address_asks_where_it_is(mailnix: Run, config: Path) -> None:
    mailnix("secrets", "init", config)
    said = mailnix("secrets", "push", config, "internal")
    assert said.status == 1
    assert "--to root@ADDRESS" in said.err


def test_a_push_goes_by_way_of_the_proxy_where_that_is_described(mailnix: Run, config: Path) -> None:
    config.write_text(CONFIG.replace('Internal("internal"', 'Internal("internal", ssh_via_proxy=True'))
    mailnix("secrets", "init", config)
    (config.parent / "secrets/internal/mailcow.mailboxes").unlink()
    said = mailnix("secrets", "push", config, "internal")
    assert "handing credentials to root@10.83.119.2 by way of root@5.9.100.1" in said.err


def test_a_sealed_machine_takes_a_seed_disk_only(mailnix: Run, config: Path) -> None:
    config.write_text(CONFIG.replace('ipv4="5.9.100.1"', 'ipv4="5.9.100.1", sealed=True'))
    said = mailnix("secrets", "push", config, "proxy")
    assert (said.status, "proxy is sealed" in said.err, "secrets seed CONFIG proxy" in said.err) == (1, True, True)
    assert "proxy     nowhere" in mailnix("plan", config).out


def test_init_writes_a_description_without_mistakes(mailnix: Run, tmp_path: Path) -> None:
    key = tmp_path / "key.pub"
    key.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs me\n")
    said = mailnix(
        "init", tmp_path / "new", "--domain", "bücher.de", "--proxy-ipv4", "5.9.100.1", "--proxy-ipv6", "2a01:4f8::1",
        "--mailbox", "alice", "--mailbox", "bob", "--admin-key", key,
    )  # fmt: skip
    file = tmp_path / "new" / "mail.py"
    assert said.status == 0
    assert said.out == f"{file}\n"
    topology = load(file)
    assert problems(topology) == ()
    assert topology.hostname == "mail.xn--bcher-kva.de"
    assert [mailbox.local_part for mailbox in topology.domains[0].mailboxes] == ["alice", "bob"]
    assert 'as at Hetzner, write gateway6="fe80::1"' in file.read_text()  # nothing else tells a newcomer of it


def test_init_takes_ways_in_from_its_options_and_says_whose_key(
    mailnix: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ("init", tmp_path / "new", "--domain=example.org", "--proxy-ipv4=5.9.100.1", "--reach=both")
    said = mailnix(*words)
    assert said.status == 1
    assert "nobody can log in to proxy or internal" in said.err
    assert "give one (--admin-key), or --sealed" in said.err
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_ed25519.pub").write_text(f"{KEY}\n")
    said = mailnix(*words, "--lan=192.168.1.1/24")
    assert (said.status, "may log in: ~/.ssh/id_ed25519.pub" in said.err) == (0, True)
    topology = load(tmp_path / "new/mail.py")
    assert topology.admin_keys == (KEY,)
    assert topology.internal.ssh_via_proxy
    assert topology.internal.lan_admin_cidrs == ("192.168.1.0/24",)
    said = mailnix(*words, "--force", "--reach=nowhere")
    assert (said.status, "--reach: 'nowhere' is none of home, proxy, both" in said.err) == (1, True)


def test_init_keeps_what_is_there(mailnix: Run, config: Path) -> None:
    said = mailnix("init", config.parent, "--domain", "example.org", "--proxy-ipv4", "5.9.100.1")
    assert said.status == 1
    assert "exists already" in said.err
    assert config.read_text() == CONFIG


def test_init_writes_nothing_where_an_answer_is_wrong(mailnix: Run, tmp_path: Path) -> None:
    said = mailnix("init", tmp_path / "new", "--domain", "exa mple", "--proxy-ipv4", "10.0.0.1")
    assert said.status == 1
    assert "domains[0].name" in said.err
    assert "proxies[0].ipv4" in said.err
    assert not (tmp_path / "new").exists()


def test_a_lab_that_does_not_run_cannot_be_looked_at_or_stopped(
    mailnix: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("MAILNIX_CACHE", str(tmp_path))
    for words in (["shell", "proxy"], ["stop"]):
        said = mailnix("lab", *words)
        assert said.status == 1
        assert "no lab is running" in said.err


def test_lab_with_a_description_means_to_run_it(mailnix: Run, tmp_path: Path) -> None:
    said = mailnix("lab", tmp_path / "none.py")
    assert said.status == 1
    assert "there is no such file" in said.err


def test_the_help_of_a_group_is_whole(mailnix: Run) -> None:
    for words in ([], ["lab"], ["secrets"]):
        shown = mailnix(*words, "--help").out
        assert "..." not in shown.partition("Commands:")[2]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["chekc", "x"], "check"),
        (["seed", "x", "proxy"], "secrets seed"),
        (["secrets", "ini", "x"], "init"),
        (["lab", "stpo"], "stop"),
    ],
)
def test_a_mistyped_verb_is_suggested(mailnix: Run, words: list[str], meant: str) -> None:
    said = mailnix(*words)
    assert said.status == 2
    assert f"did you mean {meant}?" in said.err


def test_a_lab_takes_a_description_whatever_its_name(mailnix: Run, tmp_path: Path) -> None:
    said = mailnix("lab", tmp_path / "runn.py")
    assert "there is no such file" in said.err


@pytest.mark.parametrize("verb", ["emit", "build"])
def test_the_default_backend_is_said(mailnix: Run, verb: str) -> None:
    assert "[default: debian]" in " ".join(mailnix(verb, "--help").out.split())


def test_emit_makes_what_build_makes(mailnix: Run, config: Path, tmp_path: Path) -> None:
    assert mailnix("emit", config, "--out", tmp_path / "out").status == 0
    assert (tmp_path / "out" / "proxy").is_dir()
    assert not (tmp_path / "out" / "flake.nix").exists()


def test_machines_are_completed_from_the_description(config: Path) -> None:
    complete = ShellComplete(mailnix_command, {}, "mailnix", "_MAILNIX_COMPLETE")
    before = ["secrets", "seed", str(config)]
    assert [item.value for item in complete.get_completions(before, "")] == ["proxy", "internal"]
    assert [item.value for item in complete.get_completions(before, "in")] == ["internal"]
    config.write_text("1 / 0")
    assert complete.get_completions(before, "") == []


@pytest.mark.parametrize(
    "words", [["emit", "CONFIG", "--out"], ["init", "--domain=a.org", "--proxy-ipv4=5.9.100.1", "--sealed"]]
)
def test_a_folder_that_cannot_be_written_is_named_whole(
    mailnix: Run, config: Path, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file/below/it"
    said = mailnix(*(config if word == "CONFIG" else word for word in words), place)
    assert said.status == 1
    assert f"{place}" in said.err
    assert "cannot be written" in said.err


@pytest.mark.parametrize("damage", ['{"alice@example.org": ', '{"alice@example.org": null}', "[]", ""])
def test_a_damaged_mailbox_credential_is_found_by_whoever_hands_it_over(
    mailnix: Run, config: Path, tmp_path: Path, damage: str
) -> None:
    mailnix("secrets", "init", config)
    (config.parent / "secrets/internal/mailcow.mailboxes").write_text(damage)
    for words in (
        ["init", config],
        ["seed", config, "internal", "--out", tmp_path / "seed.img"],
        ["push", config, "internal", "--to", "root@nowhere.invalid"],
        ["rotate", config, "mailcow.mailboxes:alice@example.org"],
    ):
        said = mailnix("secrets", *words)
        assert said.status == 1, words
        assert "internal/mailcow.mailboxes in the secrets folder is damaged" in said.err
    assert not (tmp_path / "seed.img").exists()


@pytest.mark.parametrize("verb", ["plan", "dns", "emit", "build", "lab run"])
@pytest.mark.parametrize("file", ["internal/mailcow.mailboxes", "internal/mailcow.dkim", "proxy/haraka.internalcmd"])
def test_a_damaged_credential_is_found_by_every_verb(
    mailnix: Run, config: Path, tmp_path: Path, verb: str, file: str
) -> None:
    mailnix("secrets", "init", config)
    (config.parent / "secrets" / file).write_text("\n")
    out = ["--out", tmp_path / "out"] if verb in ("emit", "build") else []
    said = mailnix(*verb.split(), config, *out)
    assert (said.status, said.out) == (1, "")
    assert f"{file} in the secrets folder is damaged: it is empty" in said.err
    assert f"mailnix secrets rotate CONFIG {file}" in said.err
    assert not (tmp_path / "out").exists()


def test_check_names_every_damaged_credential_and_no_byte_of_it(mailnix: Run, config: Path) -> None:
    mailnix("secrets", "init", config)
    folder = config.parent / "secrets"
    (folder / "internal/mailcow.mailboxes").write_text('{"alice@example.org": "Hidden1')
    (folder / "public.json").write_text("{")
    said = mailnix("check", config)
    assert said.status == 1
    assert f"error: {folder}/internal/mailcow.mailboxes: is damaged: it is no list of mailbox passwords" in said.out
    assert "\n    put it back from a backup, or make it anew: mailnix secrets rotate CONFIG internal/" in said.out
    assert f"error: {folder}/public.json: is not one that this mailnix wrote" in said.out
    assert said.out.endswith("2 mistakes\n")
    assert "Hidden1" not in said.out + said.err
    assert not mailnix("check", config, "--json").json["ok"]


def test_check_looks_into_the_secrets_folder_that_is_named(mailnix: Run, config: Path, tmp_path: Path) -> None:
    mailnix("secrets", "init", config, "--secrets", tmp_path / "elsewhere")
    (tmp_path / "elsewhere/internal/mailcow.dkim").write_text("[]")
    assert mailnix("check", config).status == 0
    assert mailnix("check", config, "--secrets", tmp_path / "elsewhere").status == 1


def test_the_remedy_for_a_damaged_export_mends_it(mailnix: Run, config: Path) -> None:
    mailnix("secrets", "init", config)
    public = config.parent / "secrets/public.json"
    public.write_bytes(b"\xff")
    assert "mailnix secrets init CONFIG" in mailnix("dns", config).err
    assert mailnix("secrets", "init", config).status == 0
    assert mailnix("dns", config).status == 0


@pytest.mark.parametrize(("there", "wanted"), [("nixos", "debian"), ("debian", "nixos")])
@pytest.mark.parametrize("more", [[], ["--diff"]])
def test_what_was_emitted_for_another_system_is_not_replaced(
    mailnix: Run, config: Path, tmp_path: Path, there: str, wanted: str, more: list[str]
) -> None:
    out = tmp_path / "out"
    assert mailnix("emit", config, "--backend", there, "--out", out).status == 0
    before = sorted(out.rglob("*"))
    said = mailnix("emit", config, "--backend", wanted, "--out", out, *more)
    assert (said.status, said.out) == (1, "")
    assert f"{out} has what was emitted with --backend {there}" in said.err
    assert "another folder" in said.err
    assert sorted(out.rglob("*")) == before
    assert mailnix("emit", config, "--backend", there, "--out", out).status == 0


def test_a_relays_password_is_read_from_standard_input_and_never_printed(
    mailnix: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(CONFIG.replace("Topology(", 'Topology(relays=[Relay("smtp.relay.example", "u")], '))
    asked = mailnix("secrets", "init", config)
    assert "mailnix secrets put CONFIG proxy/haraka.relay.smtp.relay.example" in asked.err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Hidden 1\n")))
    said = mailnix("secrets", "put", config, "haraka.relay.smtp.relay.example")
    assert said.status == 0, said.err
    assert (config.parent / "secrets/proxy/haraka.relay.smtp.relay.example").read_bytes() == b"Hidden 1"
    assert "Hidden" not in said.out + said.err
