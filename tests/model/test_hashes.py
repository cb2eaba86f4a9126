"""Hashes of passwords: those that Mailcow can compare with, whole, under the name of what made them."""

from __future__ import annotations

import base64

import pytest

from mailnix.model.hashes import SCHEMES, fault, is_meant

BCRYPT = "$2y$10$" + "abcdefghijklmnopqrstu" + "v" * 32
SHA256 = "$5$saltsaltsalt$" + "x" * 43
SHA512 = "$6$rounds=656000$salt./salt$" + "x" * 86
ARGON2ID = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$" + "x" * 43
WHOLE = {
    "BLF-CRYPT": BCRYPT,
    "CRYPT": SHA512,
    "SHA256-CRYPT": SHA256,
    "SHA512-CRYPT": SHA512,
    "ARGON2I": ARGON2ID.replace("argon2id", "argon2i"),
    "ARGON2ID": ARGON2ID,
    "SSHA": base64.b64encode(b"x" * 24).decode(),
    "SSHA256": base64.b64encode(b"x" * 36).decode(),
    "SSHA512": base64.b64encode(b"x" * 68).decode(),
}


def test_every_scheme_has_an_example_here() -> None:
    assert set(WHOLE) == set(SCHEMES)


@pytest.mark.parametrize(("scheme", "made"), WHOLE.items(), ids=WHOLE)
def test_a_whole_hash_is_one(scheme: str, made: str) -> None:
    assert fault(f"{{{scheme}}}{made}") is None
    assert is_meant(f"{{{scheme}}}{made}")


@pytest.mark.parametrize(
    "text",
    [
        *(f"{{BLF-CRYPT}}{BCRYPT.replace('$2y', f'$2{letter}')}" for letter in "abx"),
        f"{{SHA512-CRYPT}}$6$salt${'x' * 86}",
        f"{{SHA512-CRYPT}}$6$${'x' * 86}",
        *(f"{{CRYPT}}{made}" for made in (BCRYPT, SHA256, ARGON2ID)),
    ],
)
def test_other_forms_of_a_scheme_are_taken(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize(("scheme", "made"), WHOLE.items(), ids=WHOLE)
def test_one_that_is_cut_off_is_told_with_its_form(scheme: str, made: str) -> None:
    for cut in (made[: len(made) // 2], made[:3], made[:-1] if scheme.startswith("SSHA") else made[:20]):
        found = fault(f"{{{scheme}}}{cut}")
        assert found is not None
        assert f"{{{scheme}}}" in found.message
        assert SCHEMES[scheme].form in found.message
        assert made[3:] not in f"{found.message} {found.hint}"


@pytest.mark.parametrize(("scheme", "made"), WHOLE.items(), ids=WHOLE)
def test_one_under_the_name_of_another_is_told_with_what_it_is(scheme: str, made: str) -> None:
    beside = {scheme, "CRYPT", *(("SHA512-CRYPT",) if scheme == "CRYPT" else ())}
    beside |= {"SSHA"} if scheme == "SSHA256" else set()  # its salt may be as long as the rest is
    for other in WHOLE.keys() - beside:
        found = fault(f"{{{other}}}{made}")
        assert found is not None
        assert f"{{{other}}}" in found.message
        assert made[3:] not in f"{found.message} {found.hint}"
        if made.startswith("$") and scheme != "CRYPT":
            assert f"{{{scheme}}}" in found.hint


@pytest.mark.parametrize(
    "text",
    [
        f"{{BLF-CRYPT}}{BCRYPT}\n",
        f"{{BLF-CRYPT}} {BCRYPT}",
        f"{{BLF-CRYPT}}{BCRYPT[:-1]}é",
        f"{{BLF-CRYPT}}{BCRYPT.replace('$10$', '$03$')}",
        f"{{BLF-CRYPT}}{BCRYPT.replace('$', '')}",  # as a shell leaves it
        f"{{SHA512-CRYPT}}$6${'s' * 17}${'x' * 86}",
        f"{{CRYPT}}$1$salt${'x' * 22}",
        f"{{CRYPT}}$y$j9T$salt${'x' * 43}",  # yescrypt, which PHP does not know
        "{CRYPT}abcdefghijklm",
        "{MD5-CRYPT}$1$salt$xxxxxxxxxxxxxxxxxxxxxx",
        "{blf-crypt}" + BCRYPT,
        BCRYPT,
        "",
    ],
)
def test_what_is_no_such_hash_is_refused(text: str) -> None:
    assert fault(text) is not None


@pytest.mark.parametrize("text", ["$2pac4ever", "{curly}horse", "$6$shooter", "correct horse", "{PLAIN}x"])
def test_a_password_is_not_meant_as_a_hash(text: str) -> None:
    assert not is_meant(text)
