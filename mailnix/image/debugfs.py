"""Writing files into an ext4 file system that nobody mounts: scripts for debugfs, and what it answered.

debugfs ends with status 0 whatever happens, so each answer is read: a line that is not known to be good is an error.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from attrs import frozen

from mailnix.errors import BuildError
from mailnix.image.values import ExtraTree
from mailnix.tree import File, Link, Tree

GOOD_OUTPUT = re.compile(r"(debugfs: .*|Allocated inode: \d+|Setting current time to .*|)")
GOOD_ERRORS = re.compile(r"(debugfs \d\S* \(.*\)|)")
STAT_TYPE = re.compile(r"Inode: \d+\s+Type: (\w+)\s+Mode:\s+(\d+)")
STAT_SIZE = re.compile(r"User:\s+(\d+)\s+Group:\s+(\d+)\s+.*Size: (\d+)")


@frozen
class Source:
    """A file to write: where it goes, where its bytes are on this machine, and its permission bits there and here."""

    path: str
    native: Path
    mode: int
    native_mode: int
    size: int


@frozen
class Change:
    """All that is to be written: files, links, and folders that may be empty; no path twice."""

    files: tuple[Source, ...]
    links: tuple[Link, ...]
    folders: tuple[str, ...] = ()

    @property
    def paths(self) -> list[str]:
        """Where something is written."""
        return [source.path for source in self.files] + [link.path for link in self.links]

    @property
    def size(self) -> int:
        """Bytes that it takes at most: each file ends a block, each directory has one."""
        return sum(source.size + 4096 for source in self.files) + 4096 * len(self.paths)


def stage(tree: Tree, folder: Path) -> Change:
    """Put the files of `tree` into `folder`, where debugfs can read them with the modes that they shall have."""
    files, links = [], []
    for number, entry in enumerate(tree):
        match entry:
            case File():
                native = folder / str(number)
                native.write_bytes(entry.data)
                native.chmod(entry.mode)
                files.append(Source(entry.path, native, entry.mode, entry.mode, len(entry.data)))
            case Link():
                links.append(entry)
    return Change(tuple(files), tuple(links))


def walk(extra: ExtraTree) -> Change:
    """The files and links of a directory tree, as they will be in the image."""
    if not extra.source.is_dir():
        raise BuildError(f"{extra.source} is not a folder", "give the folder whose content goes into the image")
    files: list[Source] = []
    links: list[Link] = []
    folders: list[str] = []
    for path in sorted(extra.source.rglob("*")):
        relative = path.relative_to(extra.source)
        if ".git" in relative.parts:
            continue
        place = str(PurePosixPath(extra.dest) / relative.as_posix())
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            links.append(Link(place, str(path.readlink())))
        elif stat.S_ISREG(status.st_mode):
            mode = 0o755 if status.st_mode & 0o111 else 0o644
            files.append(Source(place, path, mode, stat.S_IMODE(status.st_mode), status.st_size))
        elif stat.S_ISDIR(status.st_mode):
            folders.append(place)
    return Change(tuple(files), tuple(links), tuple(folders))


def merge(changes: Iterable[Change]) -> Change:
    """One change out of several; of two that write one path, the first wins."""
    files: dict[str, Source] = {}
    links: dict[str, Link] = {}
    folders: list[str] = []
    for change in changes:
        taken = {*files, *links}
        files |= {source.path: source for source in change.files if source.path not in taken}
        links |= {link.path: link for link in change.links if link.path not in taken}
        folders += change.folders
    return Change(tuple(files.values()), tuple(links.values()), tuple(folders))


def script(change: Change, kinds: Mapping[str, str], time: int) -> str:
    """The debugfs commands that make `change` in a file system with these paths; `time` (Unix) is the files' date."""
    by_folder: dict[str, list[Source]] = {}
    for source in change.files:
        by_folder.setdefault(str(PurePosixPath(source.path).parent), []).append(source)
    lines = [f"set_current_time @{time}"]
    lines += [f"mkdir {quoted(path)}" for path in missing_folders(change, kinds)]
    lines += [f"rm {quoted(path)}" for path in change.paths if _replaced(path, kinds)]
    for folder, sources in sorted(by_folder.items()):
        lines.append(f"cd {quoted(folder)}")
        lines += [line for source in sources for line in _write(source)]
    lines.append("cd /")
    lines += [f"symlink {quoted(link.path)} {quoted(link.target)}" for link in change.links]
    return "\n".join(lines) + "\n"


def _write(source: Source) -> Iterator[str]:
    name = quoted(PurePosixPath(source.path).name)
    yield f"write {quoted(str(source.native))} {name}"
    if source.mode != source.native_mode:
        yield f"set_inode_field {name} mode 0{stat.S_IFREG | source.mode:o}"


def missing_folders(change: Change, kinds: Mapping[str, str]) -> list[str]:
    """The folders to make first, parents before children. Raises BuildError where a parent is no real folder."""
    missing: set[str] = set()
    for path in [*change.paths, *(f"{folder}/." for folder in change.folders)]:
        for folder in _above(path):
            if folder == "/" or kinds.get(folder) == "d" or folder in missing:
                break
            if folder in kinds:
                raise BuildError(f"{path} cannot be written: {folder} is no folder there", "write to its real path")
            missing.add(folder)
    return sorted(missing)


def _above(path: str) -> list[str]:
    """The folders that `path` is in, the nearest first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) or "/" for count in range(len(parts), 0, -1)]


def _replaced(path: str, kinds: Mapping[str, str]) -> bool:
    if kinds.get(path) == "d":
        raise BuildError(f"{path} cannot be written: it is a folder in the base image", "choose another path")
    return path in kinds


def quoted(word: str) -> str:
    """A word as debugfs reads it back: in double quotes, quotes inside doubled."""
    if "\n" in word or "\0" in word:
        raise BuildError(f"no file name may hold a line break: {word!r}", "rename the file")
    doubled = word.replace('"', '""')
    return f'"{doubled}"'


def complaints(stdout: str, stderr: str) -> list[str]:
    """What debugfs said that it does not say when all is well."""
    bad = [line for line in stdout.split("\n") if not GOOD_OUTPUT.fullmatch(line)]
    return bad + [line for line in stderr.split("\n") if not GOOD_ERRORS.fullmatch(line)]


def stat_script(change: Change) -> str:
    """Commands that look at everything just written."""
    return "".join(f"stat {quoted(path)}\n" for path in change.paths)


def mismatches(change: Change, stdout: str) -> list[str]:
    """The paths that are not in the file system as `change` wants them, from the answer to `stat_script`."""
    answers = stdout.split("debugfs: stat ")[1:]
    wanted = [(s.path, "regular", s.mode, s.size) for s in change.files]
    wanted += [(link.path, "symlink", 0o777, len(link.target.encode())) for link in change.links]
    bad = [path for path, *_ in wanted[len(answers) :]]
    for (path, kind, mode, size), answer in zip(wanted, answers, strict=False):
        head, sizes = STAT_TYPE.search(answer), STAT_SIZE.search(answer)
        found = head and sizes and (head[1], int(head[2], 8), int(sizes[1]), int(sizes[2]), int(sizes[3]))
        if found != (kind, mode, 0, 0, size):
            bad.append(path)
    return bad
