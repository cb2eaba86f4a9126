"""Credentials are made once, kept, extended and rotated one by one."""

from __future__ import annotations

import json
import re
import stat
from base64 import b64decode
from pathlib import Path

import pytest
from attrs import evolve
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key

from mailnix import Domain, Internal, Proxy, secrets
from mailnix.errors import SecretsError
from mailnix.plan import Plan, SecretKind, derive
from mailnix.secrets import dkim
from tests.descriptions import sound

SHAPES = {
    SecretKind.PASSWORD: r"[A-Za-z0-9]{28}",
    SecretKind.SHORT_PASSWORD: r"[A-Za-z0-9]{16}",
    SecretKind.API_KEY: r"([A-Za-z0-9]{6}-){4}[A-Za-z0-9]{6}",
    SecretKind.WIREGUARD_PRIVATE: r"[A-Za-z0-9+/]{43}=",
    SecretKind.WIREGUARD_PUBLIC: r"[A-Za-z0-9+/]{43}=",
    SecretKind.WIREGUARD_PRESHARED: r"[A-Za-z0-9+/]{43}=",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def changed(folder: Path, before: dict[str, bytes]) -> set[str]:
    return {name for name, data in contents(folder).items() if before.get(name) != data} - {"public.json"}


def test_every_credential_of_the_plan_is_made_and_nothing_else(plan: Plan, folder: Path) -> None:
    expected = {f"{c.host}/{c.name}" for c in plan.credentials}
    assert set(contents(folder)) == expected | {"public.json", ".gitignore"}


def test_each_kind_has_its_shape(plan: Plan, folder: Path) -> None:
    for credential in plan.credentials:
        if credential.kind in SHAPES:
            text = (folder / credential.host / credential.name).read_text()
            assert re.fullmatch(SHAPES[credential.kind], text), credential.name


def test_only_we_can_read_the_folder_and_only_public_halves_can_be_committed(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.name in ("public.json", ".gitignore"):
            continue
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert (folder / ".gitignore").read_text().splitlines()[1:] == ["*", "!.gitignore", "!public.json"]


def test_both_ends_of_a_tunnel_fit_together(plan: Plan, folder: Path) -> None:
    (link,) = plan.tunnels
    public = json.loads((folder / "public.json").read_text())["wireguard"]
    for end, peer in ((link.proxy, link.internal), (link.internal, link.proxy)):
        private = b64decode((folder / end.host / end.private_key).read_text())
        key = b64decode((folder / peer.host / peer.peer_public_key).read_text())
        assert X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() == key
        assert b64decode(public[end.host][end.interface]) == key
    preshared = [(folder / end.host / end.preshared_key).read_text() for end in (link.proxy, link.internal)]
    assert preshared[0] == preshared[1]


def test_dkim_keys_are_rsa_2048_and_their_public_halves_are_exported(folder: Path) -> None:
    entry = json.loads((folder / "internal/mailcow.dkim").read_text())["example.org"]
    key = load_pem_private_key(entry["private_key"].encode(), None)
    public = load_der_public_key(b64decode(secrets.public_keys(folder).dkim["example.org"]))
    assert entry["selector"] == "dkim"
    assert key.public_key() == public
    assert isinstance(public, RSAPublicKey)
    assert public.key_size == 2048


def test_no_exported_half_is_secret(folder: Path) -> None:
    public = (folder / "public.json").read_text()
    assert "PRIVATE" not in public
    assert (folder / "proxy/network.wireguard.private.wg0").read_text() not in public
    assert (folder / "proxy/network.wireguard.preshared.wg0").read_text() not in public


def test_a_second_run_changes_nothing(plan: Plan, folder: Path) -> None:
    before = contents(folder)
    report = secrets.init(plan, folder)
    assert report.made == ()
    assert report.kept == len(plan.credentials)
    assert contents(folder) == before


def test_new_mailboxes_and_domains_are_added_and_old_ones_keep_theirs(plan: Plan, folder: Path) -> None:
    before = {
        name: json.loads((folder / "internal" / name).read_text()) for name in ("mailcow.dkim", "mailcow.mailboxes")
    }
    domains = (*plan.topology.domains, Domain("example.net", ["carol"]))
    report = secrets.init(derive(evolve(plan.topology, domains=domains)), folder)
    assert {made.name: made.entries for made in report.made} == {
        "mailcow.dkim": ("example.net",),
        "mailcow.mailboxes": ("carol@example.net",),
    }
    for name, entries in before.items():
        assert entries.items() < json.loads((folder / "internal" / name).read_text()).items()


def test_a_new_selector_gets_a_new_key(plan: Plan, folder: Path) -> None:
    old = secrets.public_keys(folder).dkim["example.org"]
    domains = (evolve(plan.topology.domains[0], dkim_selector="dkim2"),)
    secrets.init(derive(evolve(plan.topology, domains=domains)), folder)
    assert json.loads((folder / "internal/mailcow.dkim").read_text())["example.org"]["selector"] == "dkim2"
    assert secrets.public_keys(folder).dkim["example.org"] != old


def test_a_second_proxy_gets_keys_and_the_first_keeps_its_own(plan: Plan, folder: Path) -> None:
    before = contents(folder)
    second = Proxy("second", "5.9.100.2", hostname="mx2.example.org")
    secrets.init(derive(evolve(plan.topology, proxies=(*plan.topology.proxies, second))), folder)
    assert before.items() - {("public.json", before["public.json"])} < contents(folder).items()
    assert (folder / "second/haraka.internalcmd").exists()
    assert (folder / "internal/network.wireguard.private.wg-second").exists()


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("mailcow.dbpass", {"internal/mailcow.dbpass"}),
        ("internal/mailcow.dbpass", {"internal/mailcow.dbpass"}),
        (
            "network.wireguard.private.wg0",
            {"proxy/network.wireguard.private.wg0", "internal/network.wireguard.public.wg-proxy"},
        ),
        (
            "network.wireguard.preshared.wg0",
            {"proxy/network.wireguard.preshared.wg0", "internal/network.wireguard.preshared.wg-proxy"},
        ),
        ("mailcow.mailboxes:bob@example.org", {"internal/mailcow.mailboxes"}),
    ],
)
def test_rotating_replaces_one_credential_and_what_depends_on_it(
    plan: Plan, folder: Path, name: str, files: set[str]
) -> None:
    before = contents(folder)
    report = secrets.rotate(plan, folder, [name])
    assert changed(folder, before) == files
    assert {f"{made.host}/{made.name}" for made in report.made} == files
    told = {note.rpartition(" ")[2] for note in report.notes if "mailnix secrets push" in note}
    assert told == {file.partition("/")[0] for file in files}


def test_a_machine_that_nobody_logs_in_to_gets_a_disk_and_home_is_told_first(folder: Path) -> None:
    plan = derive(sound(internal=Internal("internal", sealed=True)))
    assert secrets.rotate(plan, folder, ["network.wireguard.preshared.wg0"]).notes == (
        "internal runs on what it had until: mailnix secrets seed CONFIG internal --replace",
        "proxy runs on what it had until: mailnix secrets push CONFIG proxy",
    )


def test_rotating_one_mailbox_leaves_the_others(plan: Plan, folder: Path) -> None:
    before = json.loads((folder / "internal/mailcow.mailboxes").read_text())
    secrets.rotate(plan, folder, ["mailcow.mailboxes:bob@example.org"])
    after = json.loads((folder / "internal/mailcow.mailboxes").read_text())
    assert after["alice@example.org"] == before["alice@example.org"]
    assert after["bob@example.org"] != before["bob@example.org"]


def test_rotating_dkim_updates_the_public_half(plan: Plan, folder: Path) -> None:
    old = secrets.public_keys(folder).dkim["example.org"]
    secrets.rotate(plan, folder, ["mailcow.dkim"])
    assert secrets.public_keys(folder).dkim["example.org"] != old


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mailcow.nonsense", "no credential is called"),
        ("proxy/mailcow.dbpass", "no credential is called"),
        ("network.wireguard.public.wg0", "follows another"),
        ("internal/network.wireguard.preshared.wg-proxy", "follows another"),
        ("mailcow.dkim:other.org", "has no entry"),
        ("mailcow.dbpass:x", "has no entry"),
    ],
)
def test_a_name_that_cannot_be_rotated_changes_nothing(plan: Plan, folder: Path, name: str, said: str) -> None:
    before = contents(folder)
    with pytest.raises(SecretsError, match=said) as caught:
        secrets.rotate(plan, folder, ["mailcow.dbpass", name])
    assert caught.value.hint
    assert contents(folder) == before


@pytest.mark.parametrize("path", [".", "internal", "internal/mailcow.dbpass"])
def test_a_folder_that_others_can_read_is_refused_with_the_command_that_closes_it(
    plan: Plan, folder: Path, path: str
) -> None:
    (folder / path).chmod(0o755)
    with pytest.raises(SecretsError, match="open to others") as caught:
        secrets.init(plan, folder)
    assert "chmod" in caught.value.hint


def test_the_command_that_is_suggested_closes_the_folder(plan: Plan, folder: Path) -> None:
    from mailnix.run import run

    for path in ("internal/mailcow.dbpass", "internal", "."):
        (folder / path).chmod(0o777)
    with pytest.raises(SecretsError) as caught:
        secrets.init(plan, folder)
    run(["sh", "-c", caught.value.hint.removeprefix("close it with: ")])
    secrets.init(plan, folder)


def test_a_damaged_bundle_is_named_and_not_replaced(plan: Plan, folder: Path) -> None:
    bundle = folder / "internal/mailcow.mailboxes"
    bundle.write_text("{")
    with pytest.raises(SecretsError, match=r"internal/mailcow\.mailboxes in the secrets folder is damaged"):
        secrets.init(plan, folder)
    assert bundle.read_text() == "{"


def test_a_damaged_wireguard_key_is_named(plan: Plan, folder: Path) -> None:
    (folder / "proxy/network.wireguard.private.wg0").write_text("nonsense")
    with pytest.raises(
        SecretsError,
        match=r"proxy/network\.wireguard\.private\.wg0 in the secrets folder is damaged: it is no WireGuard key",
    ):
        secrets.init(plan, folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 99}', "", '{"version": 1, "dkim": {"example.org": {}}}'])
def test_a_damaged_export_is_named_with_its_remedy(folder: Path, text: str) -> None:
    (folder / "public.json").write_text(text)
    with pytest.raises(SecretsError) as caught:
        secrets.public_keys(folder)
    assert "mailnix secrets init" in caught.value.hint


def test_without_a_folder_there_are_no_public_halves(tmp_path: Path) -> None:
    assert secrets.public_keys(tmp_path / "nowhere").dkim == {}


def test_two_writers_do_not_meet(plan: Plan, folder: Path) -> None:
    from mailnix.secrets.folder import Folder

    with Folder(folder).locked(), pytest.raises(SecretsError, match="is in use"):
        secrets.init(plan, folder)


def test_a_folder_that_is_a_file_is_refused(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("")
    with pytest.raises(SecretsError, match="is not a folder"):
        secrets.init(plan, tmp_path / "secrets")


def test_a_crash_while_writing_leaves_the_old_content(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mailnix.secrets import Secret
    from mailnix.secrets.folder import Folder

    old = (folder / "internal/mailcow.dbpass").read_bytes()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(SecretsError, match="No space left on device"):
        Folder(folder).put("internal", "mailcow.dbpass", Secret(b"new"))
    assert (folder / "internal/mailcow.dbpass").read_bytes() == old
    assert not [f for f in (folder / "internal").iterdir() if f.name.startswith(".")]


def test_many_keys_are_made_by_several_processes_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    keys = list(dkim.keys(9, lambda done, total: told.append((done, total))))
    assert len(set(keys)) == 9
    assert told == [(number, 9) for number in range(1, 10)]


def test_mailbox_passwords_have_a_letter_of_each_case_and_a_digit(folder: Path) -> None:
    for password in json.loads((folder / "internal/mailcow.mailboxes").read_text()).values():
        assert re.search("[a-z]", password)
        assert re.search("[A-Z]", password)
        assert re.search("[0-9]", password)
