"""Every program that a script of ours calls by its name is in the PATH that the script is run with on NixOS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import pytest

from mailnix.formats.text import template
from tests.nixos import called, golden
from tests.nixos.regenerate import REPOSITORY

Kept: TypeAlias = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def kept() -> Kept:
    """The example's machines as they were built."""
    return golden.kept()


@pytest.mark.parametrize("machine", ["internal", "proxy"])
def test_no_script_of_ours_calls_what_its_path_lacks(machine: str, kept: Kept) -> None:
    texts = kept[machine]
    assert called.missing(texts, called.of_nixpkgs(texts)) == []


@pytest.mark.parametrize(
    ("machine", "package", "missed"),
    [
        ("proxy", "openssl", ["haraka-in-tls.service: openssl", "haraka-out-tls.service: openssl"]),
        ("proxy", "wireguard-tools", ["mailnix-bans@.service: wg", "mailnix-readmit.service: wg"]),
        ("proxy", "nftables", ["mailnix-bans@.service: nft"]),
        ("proxy", "util-linux", ["seed: blkid", "seed: mount", "seed: umount"]),
        ("internal", "getent-glibc-nolibgcc", ["mailnix-redial.service: getent"]),
        ("internal", "gawk", ["mailnix-redial.service: awk"]),
        ("internal", "iproute2", [f"{who}: ip" for who in (
            "choose-card", "mailnix-surroundings.service", "receive-credentials", "show-host-key",
            "wait-for-credentials",
        )]),
        ("internal", "gnutar", ["mailcow-restore: tar", "mailcow-setup: tar", "receive-credentials: tar"]),
        ("internal", "which", ["mailcow-backup: which"]),
        ("internal", "zstd", ["mailcow-backup: zstd", "mailcow-restore: zstd"]),
    ],
)  # fmt: skip
def test_a_package_that_is_left_out_is_missed(machine: str, package: str, missed: list[str], kept: Kept) -> None:
    left_out = re.compile(rf"/nix/store/{package}-\d[^:\"\s]*:?")
    texts = {path: left_out.sub("", text) for path, text in kept[machine].items()}
    assert called.missing(texts, called.of_nixpkgs(texts)) == missed


def test_the_script_that_gets_certificates_for_a_key_finds_what_it_calls() -> None:
    """No machine of the example has it; its PATH is read where it is written."""
    listed = (REPOSITORY / "modules/mailnix/dane.nix").read_text().partition("path = [")[2].partition("]")[0]
    packages = re.findall(r"pkgs\.(\w+)", listed)
    there = {program for package in packages for program in called.PROGRAMS[package].split()}
    assert called.called(template("dane", "mailnix-dane.sh")) <= there


SCRIPT = """\
#!/bin/sh
# cp is a word here
set -eu
dir=$(dirname "$1") now=$((1 + 2))
say() {
    echo "mailnix: $*; rm -rf is said, $(uname -n) is called"
}
case $1 in
    yes | no*) first one ;;
    "") return 0 ;;
    *) second ;;
esac
while read -r line; do
    HOME=/ third "$line" >/dev/null 2>&1 || ! fourth
done <"$(fifth "it's")"
if [ -e x ] && ( cd / && sixth ); then say "${line##*) seventh}"; fi
exec timeout 20 eighth | xargs -0 ninth
trap 'tenth "$dir"' EXIT
sed 's/a/b; sort/' \\
    --quiet
"""
PYTHON = """\
import subprocess
subprocess.run(["one", *rest], check=True)
command(("two", name), cwd=None)
sorted(["three"])
subprocess.Popen([program, "-dc"])
"""


def test_a_shell_script_calls_what_stands_where_a_command_does() -> None:
    wanted = "dirname uname first second third fourth fifth sixth timeout eighth xargs ninth tenth sed"
    assert called.called(SCRIPT) == set(wanted.split())


def test_a_program_of_python_calls_what_the_lists_begin_with_that_it_runs() -> None:
    assert called.called(PYTHON) == {"one", "two"}
