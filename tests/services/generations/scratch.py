"""A machine in a folder: this system's own dpkg below it, and systemd, apt's archive and clocks that a test holds.

Its packages are tiny. A generation's has a file with its number, and its script writes what it would start into
`activated`, so that a test sees what runs and not only what is laid.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from mailnix.run import run
from mailnix.services.generations import names
from mailnix.services.generations.debian import told
from mailnix.services.generations.guest import state, verbs
from mailnix.services.generations.guest.keeper import Keeper
from mailnix.services.generations.guest.packages import known
from mailnix.services.generations.guest.receiving import receive
from mailnix.services.generations.guest.world import Done, Names, free, replace

HOST: Final = "proxy"
DEBIANS: Final = ("caddy", "9:2.6-1")
"""A package of Debian's, with an epoch as some have."""

SECRET: Final = "network.wireguard.private.home"
OURS = {
    "postinst": '#!/bin/sh\nset -e\necho {number} >>"$DPKG_ROOT/activated"\n',
    "postrm": '#!/bin/sh\nset -e\nif [ "$1" = remove ]; then echo 0 >>"$DPKG_ROOT/activated"; fi\n',
}
RELEASE: Final = 'ID=debian\nVERSION_ID="13"\n'


def missing() -> str:
    """Why there are no such machines here, or an empty text."""
    if not shutil.which("dpkg-deb"):
        return "dpkg is not installed"
    return "" if os.geteuid() == 0 else "dpkg gives files to root, which only root can"


class Died(BaseException):
    """What kill -9 or a power cut is to the program."""


def deb(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    scripts: Mapping[str, str] | None = None,
    depends: str = "",
    more: str = "",
    *,
    links: Mapping[str, str] | None = None,
    tree: Path | None = None,
) -> Path:
    """A package with these files (path → content) and links (path → target), in a tree of what it has besides.

    `more` are lines of its control file.
    """
    tree = tree or folder / f"{name}-{version}.tree"
    for path, target in (links or {}).items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).symlink_to(target)
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    fields = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@localhost>\nDescription: x\n"
    sums = "".join(f"{hashlib.md5(text.encode()).hexdigest()}  {path}\n" for path, text in files.items())
    control = {
        "control": fields + (f"Depends: {depends}\n" if depends else "") + more,
        "md5sums": sums,
        **(scripts or {}),
    }
    (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
    for path, text in control.items():
        (tree / "DEBIAN" / path).write_text(text)
        (tree / "DEBIAN" / path).chmod(0o644 if path in ("control", "md5sums") else 0o755)
    made = folder / f"{name}_{version.rpartition(':')[2]}_all.deb"
    run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, made], env={"SOURCE_DATE_EPOCH": "1"})
    shutil.rmtree(tree)
    return made


def sums(debs: Sequence[Path]) -> dict[str, str]:
    """As made.json names them."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in debs}


def packed(number: int, files: Sequence[Path], secrets: Mapping[str, str] | None = None, **more: object) -> io.BytesIO:
    """What a client sends; `more` stands in made.json in the place of what is right."""
    made = {"generation": number, "host": HOST, "package": f"mailnix-{HOST}", "digest": "d", "debs": sums(files)}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        _add(tar, "made.json", json.dumps({**made, **more}))
        for name, text in (secrets or {}).items():
            _add(tar, f"credentials/{name}", text)
        for path in files:
            tar.add(path, path.name)
    stream.seek(0)
    return stream


def _add(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text)
    tar.addfile(entry, io.BytesIO(text.encode()))


class Scratch:
    """See World.

    `failed` are units that do, `stopped` those of them that were told to end, `anew` services with how often systemd
    has started each again and what it is doing, `dies` counts down to the step at which
    whoever works is killed, `keeps` and `restarts` are whether systemd can start the keeper, and starts it again,
    `locked` how often somebody else holds dpkg's lock, `updating` how often apt's, `online` whether Debian's archive
    answers, `space` how much room there is where it is not the real disk's.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names = Names(**told())
        self.clock, self.boots = 1000.0, 1
        self.keeper: Keeper | None = None
        self.working = False
        self.failed: Callable[[], Sequence[str]] = tuple
        self.queued: Callable[[], Sequence[str]] = tuple
        self.stopped: Sequence[str] = ()
        self.anew: Callable[[], Mapping[str, tuple[int, str]]] = dict
        self.dies: int | None = None
        self.keeps = self.restarts = True
        self.locked = self.updating = 0
        self.online = True
        self.space: tuple[int, int] | None = None
        self.ran: list[list[str]] = []

    @classmethod
    def fresh(cls, root: Path) -> Scratch:
        """One without any package."""
        for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "archive"):
            (root / folder).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        (root / "etc/os-release").write_text(RELEASE)
        (root / "activated").write_text("0\n")
        deb(root / "archive", *DEBIANS, files={"usr/bin/caddy": "caddy"})
        return cls(root)

    def copied(self, root: Path) -> Scratch:
        """Another one that is as far."""
        shutil.copytree(self.root, root, symlinks=True)
        twin = Scratch(root)
        twin.clock, twin.boots = self.clock, self.boots
        return twin

    # What the program does to it

    def step(self) -> None:
        """A moment in which the power may go."""
        if self.dies is not None:
            self.dies -= 1
            if self.dies < 0:
                self.dies = None
                raise Died

    def run(self, argv: Sequence[str], *, within: float = 0, offline: bool = False) -> Done:
        self.ran.append([*argv, *(["offline"] if offline else [])])
        if argv[-1] == "*.service":  # asked at each of many looks, and nothing is changed by it
            return self._systemctl(argv)
        self.step()
        match argv[0]:
            case "apt-get":
                done = self._apt(argv)
            case "systemctl":
                done = self._systemctl(argv)
            case "ip":
                done = Done(0, "")
            case "dpkg" if "--unpack" in argv and self.locked:
                self.locked -= 1
                done = Done(2, "dpkg: error: dpkg frontend lock was locked by another process with pid 7\n")
            case "dpkg" | "dpkg-query":
                done = self._dpkg(*argv)
            case _:
                done = _done(argv)
        self.step()
        return done

    def write(self, path: Path, data: bytes) -> None:
        self.step()
        replace(path, data)
        self.step()

    def free(self, path: Path) -> tuple[int, int]:
        return self.space or free(path)

    def now(self) -> float:
        return self.clock

    def boot(self) -> str:
        return f"boot {self.boots}"

    def sleep(self, seconds: float) -> None:
        """Others work: systemd starts the keeper again if it dies."""
        self.clock += seconds
        if self.keeper is None or self.working:
            return
        self.working = True
        try:
            if not self.keeper.turn():
                self.keeper = None
        except Died:
            if not self.restarts:
                raise
            self.keeper = Keeper(self)
        finally:
            self.working = False

    def _systemctl(self, argv: Sequence[str]) -> Done:
        if argv[-1] == names.KEEPER and self.keeps and (argv[1] == "restart" or self.keeper is None):
            self.keeper = Keeper(self)
        if argv[-1] == "*.service":
            shown = (f"Id={unit}\nNRestarts={n}\nSubState={now}\n" for unit, (n, now) in self.anew().items())
            return Done(0, "\n".join(shown))
        if "show" in argv:
            return Done(0, "Result=signal\nExecMainStatus=15\n" if argv[-1] in self.stopped else "Result=exit-code\n")
        if "list-jobs" in argv:
            return Done(0, "".join(f"7 {unit} start waiting\n" for unit in self.queued()))
        return Done(
            0, "".join(f"{unit} loaded failed failed x\n" for unit in self.failed()) if "list-units" in argv else ""
        )

    def _dpkg(self, program: str, *words: str) -> Done:
        where = [f"--admindir={self.root}/var/lib/dpkg"] if program == "dpkg-query" else [f"--root={self.root}"]
        forced = ["--force-script-chrootless", "--force-unsafe-io"] if program == "dpkg" else []
        return _done([program, *where, *forced, *words])

    def _apt(self, argv: Sequence[str]) -> Done:
        """As far as it matters: dependencies are Debian's one package, and whether it can be had."""
        if "update" in argv and self.updating:
            self.updating -= 1
            return Done(100, "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7\n")
        if "update" in argv:
            status = 100 if "APT::Update::Error-Mode=any" in argv else 0  # apt.conf(5)
            return Done(0, "") if self.online else Done(status, "E: Failed to fetch x\n")
        debs = [Path(word) for word in argv if word.endswith(".deb")]
        archives = Path(next(word for word in argv if "archives=" in word).partition("=")[2])
        have = known(Unwatched(self))
        wants = any("caddy" in _done(["dpkg-deb", "--field", str(path), "Depends"]).output for path in debs)
        fetch = [path for path in (self.root / "archive").glob("*.deb") if wants and DEBIANS[0] not in have]
        if wants and not fetch and DEBIANS[0] not in have:
            return Done(100, "E: Unable to locate package caddy\n")
        if "--simulate" in argv:
            return Done(0, "".join(self._planned(path, have) for path in (*fetch, *debs)))
        if "--print-uris" in argv:
            return Done(0, "".join(f"'http://a/{p.name}'\n" for p in fetch if not (archives / p.name).exists()))
        if "--download-only" in argv:
            for path in fetch:
                shutil.copy(path, archives)
            return Done(0, "")
        return self._install([*(archives / path.name for path in fetch), *debs], have, "--reinstall" in argv)

    @staticmethod
    def _planned(path: Path, have: Mapping[str, object]) -> str:
        name, version = _done(["dpkg-deb", "--show", "--showformat=${Package} ${Version}", str(path)]).output.split()
        old = getattr(have.get(name), "version", None)
        return "" if old == version else f"Inst {name} {f'[{old}] ' if old else ''}({version} x [all])\n"

    def _install(self, debs: Sequence[Path], have: Mapping[str, object], again: bool) -> Done:
        """Killed between dpkg's runs as well; what is installed already, apt leaves alone."""
        wanted = [str(path) for path in debs if again or self._planned(path, have)]
        for words in (("--force-downgrade", "--unpack", *wanted), ("--configure", "--pending")):
            done = self._dpkg("dpkg", *words) if wanted else Done(0, "")
            if done.status != 0:
                return Done(100, done.output)
            self.step()
        return Done(0, "")

    # What a test asks and does

    @property
    def state(self) -> state.State:
        return state.read(self)

    def laid(self) -> str:
        """Which generation's file there is, and which was activated last."""
        path = self.root / "etc/generation"
        return f"{path.read_text() if path.exists() else '0'} {(self.root / 'activated').read_text().split()[-1]}"

    def whole(self, secret: int | None = None) -> bool:
        """One generation, laid, activated and installed, and nothing besides; `secret`: where another brought it."""
        number = self.state.current or 0
        package = known(Unwatched(self)).get(f"mailnix-{HOST}")
        version = int(package.version) if package and package.whole else 0
        audit = self._dpkg("dpkg", "--audit").output
        known_secret = self.secret() == (str(secret or number) if number else None)
        right = self.laid() == f"{number} {number}" and version == number and known_secret
        return right and not audit and self.state.pending is None

    def secret(self) -> str | None:
        """The credential that each generation has brought another of."""
        path = self.root / "etc/credstore" / SECRET
        return path.read_text() if path.exists() else None

    def left_behind(self) -> list[Path]:
        """Credentials that are kept in generations."""
        return list(self.root.glob("var/lib/mailnix/generations/*/credentials*/*"))

    def have(self, number: int, *, haraka: str = "1", depends: str = "", script: str = "") -> None:
        """Receive a generation."""
        folder = self.root / "made"
        folder.mkdir(exist_ok=True)
        debs = generation(folder, number, haraka=haraka, depends=depends, script=script)
        receive(self, number, packed(number, debs, {SECRET: str(number)}))

    def run_it(self, number: int) -> None:
        """Switch to it and confirm."""
        token = str(self.clock)
        verbs.switch(self, number, 60, token)
        verbs.confirm(self, number, token)

    def later(self, seconds: int = 600) -> None:
        """Let time pass."""
        for _ in range(seconds):
            self.sleep(1)
            if self.keeper is None:
                self.clock += seconds
                return

    def power_cut(self) -> None:
        """Everything ends; then the machine starts, and its units with it."""
        self.keeper, self.working, self.dies = None, False, None
        self.boots += 1
        self.clock = 5.0


class Unwatched:
    """The same machine, for a test's own questions."""

    def __init__(self, machine: Scratch) -> None:
        self._machine = machine
        self.root, self.names = machine.root, machine.names
        self.write, self.now, self.boot, self.sleep = machine.write, machine.now, machine.boot, machine.sleep
        self.free = machine.free

    def run(self, argv: Sequence[str], *, within: float = 0, offline: bool = False) -> Done:
        return self._machine._dpkg(*argv)


def generation(folder: Path, number: int, *, haraka: str = "1", depends: str = "", script: str = "") -> list[Path]:
    """A generation's packages. `script` is added to what dpkg runs when it configures it."""
    wanted = ", ".join(["mailnix-haraka", *([depends] if depends else [])])
    scripts = {name: text.format(number=number) for name, text in OURS.items()}
    scripts["postinst"] += script
    unit = f"[Service]\nLoadCredential={SECRET}\n"
    files = {"etc/generation": str(number), f"etc/systemd/system/of-{number}.service": unit}
    return [
        deb(folder, f"mailnix-{HOST}", str(number), files, scripts, wanted),
        deb(folder, "mailnix-haraka", haraka, {"usr/lib/haraka": haraka}),
    ]


def deaths(machine: Scratch, folder: Path) -> Iterator[tuple[int, Scratch]]:
    """The same machine again and again, killed one step later each time; whoever asks says when it is enough."""
    for number in range(1000):
        twin = machine.copied(folder / str(number))
        twin.dies = number
        yield number, twin
        shutil.rmtree(twin.root)


def _done(argv: Sequence[str]) -> Done:
    ended = run(argv, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
    return Done(ended.status, ended.stdout + ended.stderr)
