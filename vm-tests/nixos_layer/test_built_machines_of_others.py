"""Machines of other people's making that use our modules, built on NixOS's layer, and what of them runs without a boot.

`relay` has services.haraka alone, `post` services.mailcow alone, and `proxy` is what mailnix emits, on a machine that
its owner uses for more. Their secrets are laid as sops-nix and agenix lay them.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from mailnix.lab.fake_mailcow.build import build_fake
from mailnix.lab.nixos.build import Layer, Wanted
from mailnix.lab.nixos.machines import mailcow_module
from mailnix.nar import nar_hash

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent / "machines"
UNITS = {
    "relay": ("haraka-mx.service", "haraka-submission.service", "haraka-mx-tls.service", "haraka-submission-tls.path"),
    "post": ("mailcow.service", "mailcow-provision.service", "mailcow-backup.timer"),
    "proxy": ("haraka-in.service", "haraka-out.service", "docker-web.service", "sops-install-secrets.service"),
}
VERIFY = """
    cd /tmp
    SYSTEMD_UNIT_PATH=$(readlink -f "$0/etc")/systemd/system SYSTEMD_LOG_LEVEL=info
    export SYSTEMD_UNIT_PATH SYSTEMD_LOG_LEVEL
    exec systemd-analyze verify --man=no --recursive-errors=no "$@" 2>&1
"""


@pytest.fixture(scope="module")
def built(layer: Layer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Toplevels by the machine's name."""
    folder = tmp_path_factory.mktemp("others")
    mailcow = build_fake().tree
    fake = folder / "fake-mailcow.nix"
    fake.write_text(mailcow_module(nar_hash(mailcow)))
    shutil.copytree(mailcow, folder / "mailcow")
    modules = {
        "relay": (HERE / "haraka_alone.nix",),
        "post": (HERE / "mailcow_alone.nix", fake),
        "proxy": (HERE / "beside.nix",),
    }
    return layer.build(Wanted(modules=modules, beside=(REPOSITORY,)))


@pytest.mark.parametrize("machine", UNITS)
def test_systemd_has_nothing_to_say_against_the_units(built: Mapping[str, str], layer: Layer, machine: str) -> None:
    said = layer.nix.run("sh", "-c", VERIFY, built[machine], *UNITS[machine]).stdout
    assert said == ""


def test_harakas_take_hand_on_and_refuse_mail_with_secrets_that_sops_laid(
    built: Mapping[str, str], layer: Layer
) -> None:
    """In a network of their own, without systemd: what units run, as they run it, and a mail server outside."""
    alone = ("unshare", "--net", "--mount", "--propagation", "unchanged", "--pid", "--fork", "--kill-child")
    said = layer.nix.seeing((HERE,)).run(*alone, "sh", str(HERE / "mail.sh"), built["relay"])
    assert said.stdout.splitlines() == [
        "mx takes: RCPT TO:<alice@example.org>",
        "mx refuses: 550",
        "submission takes: RCPT TO:<dave@example.net>",
        "submission refuses a wrong password: 535",
        "submission refuses without one: 550",
    ]
