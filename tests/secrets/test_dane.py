"""A proxy's key for incoming mail, and the next one: made, exported, turned over, never both handed out."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from mailnix import secrets
from mailnix.errors import SecretsError
from mailnix.plan import Plan, derive
from mailnix.plan.credentials import DANE_KEY, DANE_NEXT
from mailnix.secrets.search import foreign_secrets
from tests.descriptions import sound


@pytest.fixture(scope="module")
def plan() -> Plan:
    return derive(sound(dane=True))


@pytest.fixture(scope="module")
def made(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "secrets"
    secrets.init(plan, folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "secrets"))


def key(folder: Path, name: str) -> bytes:
    return (folder / "proxy" / name).read_bytes()


def digest(pem: bytes) -> str:
    """What a TLSA record has of a key, by the library's own reading of it."""
    private = load_pem_private_key(pem, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert private.curve.name == "secp256r1"
    return hashlib.sha256(
        private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def test_public_halves_are_exported_the_key_in_use_first(folder: Path) -> None:
    keys = secrets.public_keys(folder).tlsa
    assert keys == {"proxy": (digest(key(folder, DANE_KEY)), digest(key(folder, DANE_NEXT)))}


def test_the_next_key_is_handed_to_no_machine(plan: Plan, folder: Path) -> None:
    handed = {name for host in ("proxy", "internal") for name in secrets.credentials_of(plan, host, folder)}
    assert DANE_KEY in handed
    assert DANE_NEXT not in handed


def test_the_next_key_is_looked_for_on_disks_where_it_must_not_be(plan: Plan, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"x" * 999 + key(folder, DANE_NEXT))
    assert foreign_secrets(plan, folder, "proxy", [tmp_path / "disk"]) == (DANE_NEXT,)


def test_a_rotated_key_is_the_one_that_was_published_as_next(plan: Plan, folder: Path) -> None:
    _, following = secrets.public_keys(folder).tlsa["proxy"]
    report = secrets.rotate(plan, folder, [DANE_KEY])
    now, next_one = secrets.public_keys(folder).tlsa["proxy"]
    assert now == following
    assert next_one not in (now, following)
    assert {made.name for made in report.made} == {DANE_KEY, DANE_NEXT}
    assert any(note.startswith(f"where DNS has had 3 1 1 {now} for a day, push") for note in report.notes)


def test_a_key_that_is_rotated_again_is_told_by_its_own_record(plan: Plan, folder: Path) -> None:
    """Which nobody has published yet: it must not be taken for the one that DNS has had all the time."""
    secrets.rotate(plan, folder, [DANE_KEY])
    report = secrets.rotate(plan, folder, [f"proxy/{DANE_KEY}"])
    now, _ = secrets.public_keys(folder).tlsa["proxy"]
    assert any(now in note for note in report.notes)


def test_the_next_key_may_be_made_anew_alone(plan: Plan, folder: Path) -> None:
    now, following = secrets.public_keys(folder).tlsa["proxy"]
    report = secrets.rotate(plan, folder, [DANE_NEXT])
    assert secrets.public_keys(folder).tlsa["proxy"][0] == now
    assert secrets.public_keys(folder).tlsa["proxy"][1] != following
    assert not [note for note in report.notes if "push" in note]  # no machine has it, or gets it


def test_a_key_that_was_lost_is_replaced_by_the_published_next_one(plan: Plan, folder: Path) -> None:
    following = key(folder, DANE_NEXT)
    (folder / "proxy" / DANE_KEY).unlink()
    secrets.init(plan, folder)
    assert key(folder, DANE_KEY) == following
    assert key(folder, DANE_NEXT) != following  # or a machine would have it, and rotating would change nothing


@pytest.mark.parametrize("cut", [slice(0, 100), slice(0, -30), slice(30, None), slice(0, 0)])
def test_a_damaged_next_key_never_takes_the_others_place(plan: Plan, folder: Path, cut: slice) -> None:
    before = key(folder, DANE_KEY)
    (folder / "proxy" / DANE_NEXT).write_bytes(key(folder, DANE_NEXT)[cut])
    with pytest.raises(SecretsError, match=f"proxy/{DANE_NEXT}"):
        secrets.rotate(plan, folder, [DANE_KEY])
    assert key(folder, DANE_KEY) == before
    secrets.rotate(plan, folder, [DANE_NEXT])
    secrets.rotate(plan, folder, [DANE_KEY])
    assert key(folder, DANE_KEY) != before


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_a_key_of_another_kind_is_refused(plan: Plan, folder: Path, curve: ec.EllipticCurve) -> None:
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    other = ec.generate_private_key(curve).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "proxy" / DANE_KEY).write_bytes(other)
    with pytest.raises(SecretsError, match="no private key of the curve P-256"):
        secrets.credentials_of(plan, "proxy", folder)


def test_without_dane_there_is_no_such_key(folder: Path) -> None:
    plain = derive(sound())
    assert not {each.name for each in plain.credentials} & {DANE_KEY, DANE_NEXT}
    secrets.init(plain, folder)
    assert secrets.public_keys(folder).tlsa == {}
