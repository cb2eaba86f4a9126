"""A machine of NixOS in a folder: the program that is sent there is the real one, what it calls is played."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from mailnix.deploy.checks import Answer, Question
from mailnix.deploy.nixos.program import PROGRAM
from mailnix.errors import CommandFailed, ToolMissing
from mailnix.run import Completed
from mailnix.secrets import tar
from rig.waiting import until

MODULE = Path(__file__).parents[3] / "modules/mailnix/credentials.nix"
STUBS = Path(__file__).parent / "stubs"
needs_setsid = pytest.mark.skipif(shutil.which("setsid") is None, reason="setsid (util-linux) is not installed")
WELL: Answer = (True, "220 mail.example.org")
SAID = """\
os=nixos version=26.11 name=NixOS 26.11 (Zokor)
host={host}
arch=x86_64
root=yes
sudo={sudo}
program=
{image}"""


@define
class NixOS:
    """`root` is its file system. Systems are called by what is after the hash in their paths."""

    root: Path
    name: str = "proxy"
    answers: Callable[[Question], Answer] = lambda _question: WELL
    unreached: bool = False
    sudo: str = ""
    on_call: Callable[[str], None] = lambda _command: None
    commands: list[str] = field(factory=list)
    claims: dict[int, str] = field(factory=dict)

    @classmethod
    def fresh(cls, root: Path, name: str = "proxy", *, ours: bool = True) -> NixOS:
        """One that runs its first generation."""
        made = cls(root, name)
        for folder in ("nix/store", "nix/var/nix/profiles", "nix/var/nix/gcroots", "run", "etc/credstore", "units"):
            (root / folder).mkdir(parents=True)
        (root / "name").write_text(name)
        (root / "failed").touch()
        if ours:
            receive = root / "usr/lib/mailnix/receive-credentials"
            receive.parent.mkdir(parents=True)
            receive.touch()
        made.profile.with_name("system-1-link").symlink_to(made.system("first"))
        made.profile.symlink_to("system-1-link")
        made.power_cut()
        return made

    @property
    def profile(self) -> Path:
        return self.root / "nix/var/nix/profiles/system"

    def system(self, called: str, **happens: str) -> Path:
        """A path in its store; `happens` are shell texts: what happens before, or after, test, boot, dry_activate."""
        path = self.root / "nix/store" / f"{hashlib.sha256(called.encode()).hexdigest()[:8]}-{called}"
        if not path.exists():
            (path / "bin").mkdir(parents=True)
            shutil.copy(STUBS / "switch-to-configuration", path / "bin")
        for when, text in happens.items():
            (path / when.replace("_", "-")).write_text(text)
        return path

    def power_cut(self) -> None:
        """What was running is gone, memory is empty, and the default starts."""
        self.end()
        shutil.rmtree(self.root / "run")
        for under in self.root.glob("etc/*.under"):  # what was mounted
            shown = under.with_suffix("")
            shown.unlink()
            under.rename(shown)
        (self.root / "run").mkdir()
        (self.root / "units").mkdir(exist_ok=True)
        boots = self.root / "boots"  # what the boot loader starts: its last word, and not the profile's
        starts = self.root / "nix/store" / boots.read_text().strip() if boots.exists() else self.profile.resolve()
        (self.root / "run/current-system").symlink_to(starts)

    def starts(self) -> None:
        """What modules/ has run at boot, before anything reads a credential."""
        module = MODULE.read_text()
        text = module.partition("mend = pkgs.writeShellScript")[2].partition("''\n")[2].partition("'';")[0]
        text = re.sub(r".*makeBinPath.*\n", "", text)
        text = re.sub(r"\$\{builtins\.readFile ([\w./-]+)\}", lambda file: (MODULE.parent / file[1]).read_text(), text)
        assert "${builtins" not in text
        done = self._run(["sh", "-c", text], b"")
        assert not done.returncode, done.stderr.decode()

    def end(self) -> None:
        """End every service of it."""
        for service in self.root.glob("units/*.service"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(service.read_text()), signal.SIGKILL)
        shutil.rmtree(self.root / "units", ignore_errors=True)

    @property
    def runs(self) -> tuple[str, str]:
        """The systems that run, and that would start."""
        return called(self.root / "run/current-system"), called(self.profile)

    @property
    def number(self) -> int:
        return int(re.findall(r"\d+", str(self.profile.readlink()))[0])

    @property
    def log(self) -> list[str]:
        """What was called there, in its order."""
        path = self.root / "log"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def timers(self) -> list[str]:
        return [path.name for path in self.root.glob("units/*.timer")]

    def until_unwatched(self) -> None:
        """Wait for the timer's end: the unit that ends a change stops it last, when callers have an answer."""
        until(lambda: not self.timers, "the timer's end")

    def look(self) -> None:
        """The timer's moment."""
        for timer in self.root.glob("units/*.timer"):
            self._run(timer.read_text().split(), b"")

    def by_hand(self, number: int, called: str, *, activates: bool = True) -> None:
        """What `nixos-rebuild switch` does, or boot: a system becomes the default by that number, and maybe runs."""
        self.profile.with_name(f"system-{number}-link").symlink_to(self.system(called))
        self.profile.unlink()
        self.profile.symlink_to(f"system-{number}-link")
        if activates:
            (self.root / "run/current-system").unlink()
            (self.root / "run/current-system").symlink_to(self.system(called))

    def ends_what_is_bounded(self) -> None:
        """What systemd does when services have had the time that they may take."""
        for bound in self.root.glob("units/*.most"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(bound.with_suffix(".service").read_text()), signal.SIGKILL)

    def time_passes(self) -> None:
        """Until what waits has waited long enough."""
        state = self.root / "run/mailnix-generations/state"
        state.write_text(re.sub(r"until=\d+", "until=0", state.read_text()))

    def until(self, step: str) -> None:
        """Wait for a step of what is pending."""
        state = self.root / "run/mailnix-generations/state"
        until(lambda: state.exists() and f"step={step} " in state.read_text(), step)

    def confirming_cut_off(self) -> None:
        """Confirm, and have the power fail where the systems' own texts kill what finishes it."""
        confirming = threading.Thread(target=self.call, args=("confirm", "2", "--id", "a1"))
        confirming.start()
        until(lambda: (self.root / "killed").exists(), "the cut")
        self.power_cut()
        confirming.join()

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{STUBS}:{os.environ['PATH']}", "PLAYED": str(STUBS), "MAILNIX_ROOT": str(self.root)
        }  # fmt: skip

    def _run(self, words: list[str], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(words, input=stdin, env=self.environment(), capture_output=True, check=False, timeout=60)

    def call(self, *words: str, stdin: bytes = b"") -> Any:
        """A verb; what it says, or its status and the one line of why not."""
        done = self._run([*PROGRAM, *words], stdin)
        assert not done.stderr or done.returncode, done.stderr.decode()
        return (done.returncode and (done.returncode, done.stderr.decode().strip())) or json.loads(done.stdout)

    def receive(self, number: int, system: Path, by: str = "alice@laptop", **credentials: str) -> Any:
        """What a client sends."""
        made = {"generation": number, "host": self.name, "digest": system.name, "by": by, "links": {}}
        files = {"made.json": json.dumps(made, indent=1).encode(), "system": f"{number} {system}\n".encode()}
        files |= {f"credentials/{name.replace('_', '.')}": text.encode() for name, text in credentials.items()}
        said = self.call("receive", str(number), stdin=tar(files))
        if isinstance(said, dict):
            self.claims[number] = said["claim"]
        return said

    def claim(self, number: int) -> tuple[str, ...]:
        """By which whoever brought a generation last says that it is theirs."""
        return ("--claim", self.claims[number]) if number in self.claims else ()

    def switch(self, number: int, token: str = "a1", claim: str = "") -> Any:
        """As whoever brought it last, or as somebody with another claim."""
        claimed = ("--claim", claim) if claim else self.claim(number)
        return self.call("switch", str(number), "--within", "180", "--id", token, *claimed)

    def ssh(self, command: str, stdin: bytes | None) -> Completed:
        """What sshd runs for whoever logs in."""
        self.commands.append(command)
        self.on_call(command)
        if self.unreached or (self.root / "run/current-system/locks-out").exists():
            raise CommandFailed(("ssh",), 255, "ssh: connect to host x port 22: Connection timed out\n")
        if command == "sh -s":
            image = "image=yes\n" if (self.root / "usr").exists() else ""
            return Completed(("ssh",), 0, SAID.format(host=self.name, sudo=self.sudo, image=image), "")
        if " -I - " in command:
            questions = json.loads(command.partition(" -I - ")[2].strip("'"))
            return Completed(("ssh",), 0, json.dumps([self.answers(each) for each in questions]), "")
        done = self._run(["sh", "-c", command], stdin or b"")
        if done.returncode:
            raise CommandFailed(("ssh",), done.returncode, done.stderr.decode())
        return Completed(("ssh",), 0, done.stdout.decode(), "")


def called(path: Path) -> str:
    """A system's name."""
    return path.resolve().name.partition("-")[2]


@define
class Network:
    """The ssh program, and nixos-rebuild, in a network of such machines."""

    machines: Mapping[str, NixOS]
    builds: dict[str, Path] = field(factory=dict)
    calls: list[tuple[str, ...]] = field(factory=list)
    rebuild: bool = True

    def __call__(self, argv: Any, *, stdin: bytes | None = None, **_: Any) -> Completed:
        words = tuple(argv)
        if words[0] == "ssh":
            return self.machines[words[-2].removeprefix("root@")].ssh(words[-1], stdin)
        self.calls.append(words)
        if not self.rebuild:
            raise ToolMissing(words[0], words[0])
        host = words[words.index("--flake") + 1].partition("#")[2]
        return Completed(words, 0, f"{self.builds[host]}\n", "")


def last(machine: NixOS) -> tuple[str, str]:
    """How the last change ended, and why."""
    said = machine.call("status")["last"]
    return said["end"], said["why"]


def installed(machine: NixOS, **credentials: str) -> None:
    """Have it install a second generation, which waits to be confirmed."""
    machine.receive(2, machine.system("second"), **credentials)
    assert machine.switch(2) == {"step": "installed", "within": 180}
