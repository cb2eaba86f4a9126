"""What the printer writes is what Nix reads, and looks as people write it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailnix.formats.nix import Apply, Attrs, Entry, Lambda, NixValue, PathLiteral, Raw, mk_default, mk_force, option
from mailnix.formats.nix_printer import name, render, string
from tests.nixos.conftest import Nix

awkward = st.sampled_from(
    ["''", "'", "$", "${", "$${", '"', "\\", "\n", "\n\n", "  ", "\t", "\r\n", "é", "𝄞", "}", "''$", "''\\", "a"]
)
strings = st.lists(
    st.one_of(awkward, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))), max_size=9
).map("".join)
leaves = st.one_of(st.none(), st.booleans(), st.integers(-(2**63) + 1, 2**63 - 1), strings)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(strings, inner, max_size=4)),
    max_leaves=25,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(values, min_size=1, max_size=40))
def test_every_value_comes_back_from_nix_as_it_was(nix: Nix, batch: list[Any]) -> None:
    assert nix.eval(render(batch)) == batch


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(strings, st.integers(0, 6)), min_size=1, max_size=60))
def test_every_string_comes_back_at_every_depth(nix: Nix, batch: list[Any]) -> None:
    expression = "[\n" + "\n".join("  " * depth + string(text, depth) for text, depth in batch) + "\n]"
    assert nix.eval(expression) == [text for text, _ in batch]


@pytest.mark.parametrize(
    "text", ["''\nx\n", "$''\nx", "'${\nx", "  a\n b\n", " \n  a\n", "x\n  ", "a\n'", "\n", "'''\n''''\n", "a\n$"]
)
def test_strings_that_have_tripped_printers_come_back(nix: Nix, text: str) -> None:
    assert nix.eval(string(text, 2)) == text


def test_numbers_in_lists_and_arguments_keep_their_sign(nix: Nix) -> None:
    assert nix.eval(render([-1, Apply("builtins.add", (-2, -3))])) == [-1, -5]


def test_what_nix_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        render("a\0b")
    with pytest.raises(ValueError, match="64 bits"):
        render(2**63)
    with pytest.raises(ValueError, match="surrogates"):
        render("\ud800")
    with pytest.raises(ValueError, match="path literal"):
        PathLiteral("./with space")
    with pytest.raises(TypeError, match="float"):
        render(1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a", "a"),
        ("wg-proxy", "wg-proxy"),
        ("in", '"in"'),
        ("10.0.0.1", '"10.0.0.1"'),
        ("", '""'),
        ("x'", "x'"),
        ("${a}", '"\\${a}"'),
    ],
)
def test_attribute_names_are_quoted_only_where_they_must_be(text: str, printed: str) -> None:
    assert name(text) == printed


def test_a_module_reads_as_a_person_would_write_it() -> None:
    module = Lambda(
        ("lib", "pkgs"),
        Attrs(
            (
                Entry(("imports",), [PathLiteral("./hardware.nix")]),
                option("networking.hostName", mk_default("proxy"), gap=True),
                option("networking.firewall", {"enable": False}, "The table below\nis the firewall."),
                option("services.openssh", {"enable": True, "settings": {"PasswordAuthentication": False}}, gap=True),
                option("users.users.root.openssh.authorizedKeys.keys", ["one", "two"]),
                option("environment.etc", {"motd": {"text": "hello\n\n  ${world}\n", "mode": "0644"}}),
                option(
                    "environment.systemPackages",
                    [Raw("pkgs.nftables", atom=True), Apply("pkgs.callPackage", (PathLiteral("./x.nix"), {}))],
                ),
                option("a.list", [{"a": 1}]),
                option("an.empty", {}),
            )
        ),
        head="Made by mailnix.",
    )
    assert render(module) == MODULE


MODULE = """\
# Made by mailnix.
{ lib, pkgs, ... }:

{
  imports = [ ./hardware.nix ];

  networking.hostName = lib.mkDefault "proxy";
  # The table below
  # is the firewall.
  networking.firewall.enable = false;

  services.openssh = {
    enable = true;
    settings.PasswordAuthentication = false;
  };
  users.users.root.openssh.authorizedKeys.keys = [
    "one"
    "two"
  ];
  environment.etc.motd = {
    text = ''
      hello

        ''${world}
    '';
    mode = "0644";
  };
  environment.systemPackages = [
    pkgs.nftables
    (pkgs.callPackage ./x.nix { })
  ];
  a.list = [
    {
      a = 1;
    }
  ];
  an.empty = { };
}
"""


def test_lines_that_would_be_too_long_are_broken_where_that_gains_something() -> None:
    key = "ssh-ed25519 " + "A" * 80
    file = Apply("builtins.readFile", (PathLiteral("./" + "c" * 80),))
    printed = [
        "{",
        "  a.keys = [",
        f'    "{key}"',
        "  ];",
        f'  text = "{"b" * 99}";',
        f"  file = builtins.readFile ./{'c' * 80};",
        '  "a/file" =',
        f"    builtins.readFile ./{'c' * 80};",
        "  forced = lib.mkForce (",
        f"    builtins.readFile ./{'c' * 80}",
        "  );",
        "}",
        "",
    ]
    values: dict[str, NixValue] = {
        "a": {"keys": [key]},
        "text": "b" * 99,
        "file": file,
        "a/file": file,
        "forced": mk_force(file),
    }
    assert render(values) == "\n".join(printed)


def test_arguments_stand_on_a_line_each_where_there_are_more_than_two() -> None:
    assert render(Lambda(("lib", "pkgs"), {"a": 1})).startswith("{ lib, pkgs, ... }:\n\n{\n")
    assert render(Lambda(("config", "lib", "pkgs"), {"a": 1})).startswith("{\n  config,\n  lib,\n  pkgs,\n  ...\n}:\n")
