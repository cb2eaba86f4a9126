"""What a machine said, as values. A question that was not answered has None here, and a reason in `unasked`."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from mailnix.doctor.machines.certificates import Certificate


@frozen
class Unit:
    """A unit in systemd's words (systemctl(1), org.freedesktop.systemd1(5))."""

    name: str
    load: str = "loaded"
    active: str = "active"
    sub: str = ""
    result: str = "success"


@frozen
class Units:
    """Those that the plan wants, and the names of all that have failed."""

    units: tuple[Unit, ...]
    failed: tuple[str, ...] = ()


@frozen
class Clock:
    """`now` in seconds since 1970, `up` since boot; `offset` by how many the time server is ahead, where known."""

    synchronised: bool
    now: float
    up: float
    server: str = ""
    offset: float | None = None


@frozen
class Disk:
    """A file system: bytes, and files where it counts them (0: it does not)."""

    place: str
    size: int
    free: int
    files: int = 0
    files_free: int = 0
    read_only: bool = False


@frozen
class Memory:
    """Bytes; `killed` are programs that the kernel ended within a day for want of memory."""

    total: int
    available: int
    swap: int = 0
    swap_free: int = 0
    killed: tuple[str, ...] = ()


@frozen
class Updates:
    """Debian's security updates that wait; seconds since lists came, since upgrades ran, since the machine was made."""

    pending: tuple[str, ...] = ()
    lists: float | None = None
    upgraded: float | None = None
    born: float | None = None
    nixos: str = ""


@frozen
class Kept:
    """A credential, or the folder of all."""

    there: bool
    name: str = ""
    size: int = 0
    owner: int = 0
    mode: int = 0


@frozen
class Credentials:
    """The store and what should be in it."""

    store: Kept
    credentials: tuple[Kept, ...]


@frozen
class Tunnel:
    """An end of a tunnel: its MTU in bytes, seconds since the last handshake (None: there was none)."""

    interface: str
    there: bool = True
    mtu: int = 0
    handshake: float | None = None


@frozen
class Passes:
    """The largest packet in bytes that comes through a tunnel whole; 0 where none does."""

    interface: str
    passes: int


@frozen
class Firewall:
    """The table as nft lists it, and as it would list what is planned."""

    there: bool
    loaded: str = ""
    planned: str = ""


@frozen
class Try:
    """A far mail server: whether its name has an address, whether there was a connection, what it said."""

    host: str
    resolved: bool
    connected: bool
    said: str


@frozen
class Xclient:
    """Whether Mailcow offers XCLIENT to a proxy, and does it; other ports on which it offers it, or was not asked."""

    offered: bool
    effective: bool
    said: str = ""
    elsewhere: tuple[int, ...] = ()
    unasked: tuple[tuple[int, str], ...] = ()


@frozen
class Queue:
    """Mails, the age of the oldest in seconds, how many are late, and why, where that is known."""

    count: int
    oldest: float = 0.0
    late: int = 0
    reasons: tuple[str, ...] = ()


@frozen
class Served:
    """The certificate that is shown at a port to who asks for a name; a careful client's doubt; why there is none."""

    port: int
    name: str
    der: Certificate | None
    doubt: str = ""
    refused: str = ""


@frozen
class InFile:
    """The certificate of a name in a file; None where there is a file without one."""

    name: str
    path: str
    there: bool
    der: Certificate | None


@frozen
class Container:
    """A container in Docker's words: `image` is the name that it was made by, `runs` the image's id."""

    service: str
    state: str
    health: str
    image: str
    runs: str
    exit: int = 0

    @property
    def is_well(self) -> bool:
        """It runs, and none of its own looks says that it is not well."""
        return self.state == "running" and self.health != "unhealthy"


@frozen
class Image:
    """What a name means to Docker now."""

    name: str
    id: str
    digests: tuple[str, ...] = ()


@frozen
class Containers:
    """Mailcow's, the services that it should have, what the images' names mean, and its tree's revision."""

    containers: tuple[Container, ...]
    services: tuple[str, ...]
    images: tuple[Image, ...]
    rev: str


@frozen
class Backups:
    """Whole ones; ages in seconds: of the last, of the last restore that somebody tried, of the machine."""

    folder: bool
    count: int = 0
    last: float | None = None
    result: str = "success"
    drill: float | None = None
    born: float | None = None


@frozen
class Provision:
    """The provisioner's last run in systemd's words, and its last own ones."""

    active: str
    result: str = "success"
    status: str = "0"
    said: tuple[str, ...] = ()


@frozen
class Admin:
    """Whether Mailcow's admin is there; has the password that we set; has the first one (None: nobody can tell)."""

    there: bool
    set: bool
    first: bool | None = None


@frozen
class Generation:
    """The number of what runs (None: an image's), of what waits; how the last change ended, when this one was made."""

    current: int | None = None
    pending: int | None = None
    end: str = ""
    why: str = ""
    made: str = ""


@frozen
class Drift:
    """Paths of ours that are not as they were laid, and that are gone."""

    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


@frozen(kw_only=True)
class Facts:
    """All of it, by question. `os` is os-release(5)'s ID, `name` its name for people."""

    os: str = "debian"
    name: str = ""
    unasked: Mapping[str, str] = field(factory=dict)
    units: Units | None = None
    clock: Clock | None = None
    disks: tuple[Disk, ...] | None = None
    memory: Memory | None = None
    updates: Updates | None = None
    reboot: str | None = None
    credentials: Credentials | None = None
    tunnels: tuple[Tunnel, ...] | None = None
    mtu: tuple[Passes, ...] | None = None
    firewall: Firewall | None = None
    port25: Mapping[str, tuple[Try, ...]] | None = None
    xclient: Xclient | None = None
    queue: Queue | None = None
    served: tuple[Served, ...] | None = None
    files: tuple[InFile, ...] | None = None
    mailq: Queue | None = None
    containers: Containers | None = None
    backup: Backups | None = None
    provision: Provision | None = None
    admin: Admin | None = None
    generation: Generation | None = None
    drift: Drift | None = None
