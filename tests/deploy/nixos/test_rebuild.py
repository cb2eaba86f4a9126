"""What nixos-rebuild is called with, and what a system is known by."""

from __future__ import annotations

import argparse
import ast
import os
import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mailnix.deploy.commands import Commands
from mailnix.deploy.nixos.rebuild import Rebuilds, argv, by_hand, digest, environment
from mailnix.errors import BuildError, CommandFailed, MailnixError
from mailnix.ssh import Way
from mailnix.tree import File, Tree

COMMANDS = Commands("mail.py")
WAY = Way("root@192.168.1.20", jump="root@5.9.100.1", config=Path("/etc/own ssh"))
FLAKE = (
    File("/flake.nix", 'inputs.nixpkgs = "1"; outputs = both'),
    File("/README.md", "how to"),
    File("/hosts/proxy/default.nix", "a proxy"),
    File("/hosts/internal/default.nix", "home"),
    File("/local/proxy.nix", "its disk"),
    File("/local/internal.nix", "its disk"),
    File("/local/both.nix", "an editor"),
    File("/mailnix/modules/default.nix", "modules"),
)


def changed(path: str, content: str) -> Tree:
    return Tree.of(File(path, content) if each.path == path else each for each in FLAKE)


def test_the_call_is_this() -> None:
    assert argv(Path("/tmp/flake"), "proxy", WAY, None) == (
        "nixos-rebuild", "build", "--flake", "path:/tmp/flake#proxy", "--target-host", "root@192.168.1.20",
    )  # fmt: skip
    assert argv(Path("/tmp/flake"), "proxy", WAY, "builder")[-2:] == ("--build-host", "builder")


def test_ssh_is_told_of_the_jump_host_and_what_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIX_SSHOPTS", "-p 2222")
    words = shlex.split(environment(WAY)["NIX_SSHOPTS"])
    assert words[:4] == ["-p", "2222", "-F", "/etc/own ssh"]
    assert words[-2:] == ["-J", "root@5.9.100.1"]
    assert "BatchMode=yes" in words


@pytest.mark.parametrize("path", ["/hosts/proxy/default.nix", "/local/proxy.nix", "/local/both.nix",
                                  "/mailnix/modules/default.nix"])  # fmt: skip
def test_a_machine_is_built_of_its_files_and_of_those_that_all_have(path: str) -> None:
    assert digest(changed(path, "another"), "proxy") != digest(Tree.of(FLAKE), "proxy")


def test_and_of_what_the_flake_is_pinned_to() -> None:
    pinned = changed("/flake.nix", 'inputs.nixpkgs = "2"; outputs = both')
    assert digest(pinned, "proxy") != digest(Tree.of(FLAKE), "proxy")


@pytest.mark.parametrize("path", ["/hosts/internal/default.nix", "/local/internal.nix", "/README.md"])
def test_what_is_another_machines_has_no_part_in_it(path: str) -> None:
    assert digest(changed(path, "another"), "proxy") == digest(Tree.of(FLAKE), "proxy")
    more = changed("/flake.nix", 'inputs.nixpkgs = "1"; outputs = three')
    assert digest(more, "proxy") == digest(Tree.of(FLAKE), "proxy")


def test_what_nix_says_when_it_fails_is_said(tmp_path: Path) -> None:
    def fails(argv: Any, **_: Any) -> Any:
        raise CommandFailed(tuple(argv), 1, "error: Failed assertions:\n- Docker with flushRuleset\n")

    rebuilds = Rebuilds(COMMANDS, "internal", lambda: Tree.of(FLAKE), lambda _host: WAY, print, runner=fails)
    with pytest.raises(BuildError, match=r"proxy: .*does not evaluate\n(.|\n)*flushRuleset"):
        rebuilds.debs("proxy", 2, tmp_path)
    assert (tmp_path / "flake/hosts/proxy/default.nix").read_text() == "a proxy"


def failure_of(said: str, tmp_path: Path, way: Way = WAY, build_host: str | None = None) -> MailnixError:
    def fails(argv: Any, **_: Any) -> Any:
        raise CommandFailed(tuple(argv), 1, said)

    tree = Tree.of(FLAKE)
    rebuilds = Rebuilds(COMMANDS, "internal", lambda: tree, lambda _host: way, print, build_host, fails)
    with pytest.raises(MailnixError) as caught:
        rebuilds.debs("proxy", 2, tmp_path)
    return caught.value


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("root@192.168.1.20: Permission denied (publickey).\nerror: failed to start SSH", "takes none of"),
        ("ssh: connect to host 192.168.1.20 port 22: Connection refused\n", "is not reached: connection refused"),
        ("ssh: Could not resolve hostname nowhere: Name or service not known\n", "is not reached: there is no machine"),
        ("Host key verification failed.\nerror: failed to start SSH connection", "host key of"),
    ],
)
def test_what_ssh_says_in_nixos_rebuild_means_what_it_means_elsewhere(said: str, meaning: str, tmp_path: Path) -> None:
    error = failure_of(said, tmp_path)
    assert meaning in error.message
    assert "192.168.1.20" in error.message
    assert "ssh " in str(error.hint) or "--to proxy=" in str(error.hint)


def test_a_build_host_that_lets_nobody_in_is_named(tmp_path: Path) -> None:
    error = failure_of("me@builder: Permission denied (publickey).", tmp_path, build_host="me@builder")
    assert error.message.startswith("me@builder takes none of your SSH keys")


def test_nixs_own_failures_stay_its_own(tmp_path: Path) -> None:
    assert "could not download" in failure_of("curl: (7) Connection refused\n", tmp_path).message
    assert "cannot use its store" in failure_of("error: opening lock file: Permission denied\n", tmp_path).message


def test_a_user_whom_nix_does_not_trust_is_told_so(tmp_path: Path) -> None:
    unsigned = "error: cannot add path '/nix/store/x' because it lacks a signature by a trusted key"
    error = failure_of(unsigned, tmp_path, Way("admin@192.168.1.20"))
    assert error.message == "the nix of proxy (admin@192.168.1.20) takes no system from admin, whom it does not trust"
    assert "--to proxy=root@" in str(error.hint)
    assert 'trusted-users = [ "admin" ]' in str(error.hint)


NG = Path(os.environ.get("MAILNIX_NIXPKGS", "/nowhere")) / "pkgs/by-name/ni/nixos-rebuild-ng/src/nixos_rebuild"


def parser() -> argparse.ArgumentParser:
    """That of nixos-rebuild: its function alone, since the rest of it wants a newer Python."""
    source = ast.parse((NG / "__init__.py").read_text())
    function = next(each for each in source.body if isinstance(each, ast.FunctionDef) and each.name == "get_parser")
    actions = re.findall(r'^    [A-Z_]+ = "([a-z-]+)"$', (NG / "models.py").read_text(), re.M)
    known: dict[str, Any] = {
        "argparse": argparse,
        "Action": SimpleNamespace(values=lambda: actions),
        "ElevatorKind": SimpleNamespace(choices=lambda: ["sudo"]),
    }
    exec(compile(ast.Module([function], []), "get_parser", "exec"), known)
    made: argparse.ArgumentParser = known["get_parser"]()[0]
    return made


@pytest.mark.skipif(not NG.is_dir(), reason="MAILNIX_NIXPKGS names no nixpkgs tree")
def test_nixos_rebuild_itself_takes_the_words() -> None:
    ours = parser().parse_args(argv(Path("/tmp/flake"), "proxy", WAY, "builder")[1:])
    assert (ours.action, ours.flake, ours.build_host) == ("build", "path:/tmp/flake#proxy", "builder")
    typed = shlex.split(by_hand(COMMANDS, "proxy", Way("root@5.9.100.1")).partition("&& ")[2])
    theirs = parser().parse_args(typed[1:])
    assert (theirs.action, theirs.flake, theirs.target_host) == ("switch", "./machines#proxy", "root@5.9.100.1")


def test_what_a_person_types_in_its_place_has_what_was_typed_before() -> None:
    commands = Commands("mail.py", secrets=("--secrets", "my keys"), local=Path("own modules"))
    assert by_hand(commands, "proxy", WAY, "me@builder") == (
        "mailnix emit mail.py --backend nixos --secrets 'my keys' --out machines"
        " && mkdir -p machines/local && cp -r 'own modules'/. machines/local/"
        """ && NIX_SSHOPTS='-F '"'"'/etc/own ssh'"'"' -J root@5.9.100.1' nixos-rebuild switch"""
        " --flake ./machines#proxy --target-host root@192.168.1.20 --build-host me@builder"
    )
