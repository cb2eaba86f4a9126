"""A generation that would lock its owner out is refused before anything changes; sshd is this system's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailnix.plan import derive
from mailnix.services.generations.guest import listening, login, state, verbs
from mailnix.services.generations.guest.receiving import receive
from mailnix.services.generations.guest.world import Done, Refused
from mailnix.services.ssh.debian import DROP_IN, KEYS, debian
from mailnix.tree import File
from tests.descriptions import sound
from tests.services.generations.scratch import HOST, Scratch, deb, packed

SSHD = Path(login.SSHD)
NEWER = "mlkem768x25519-sha256,"
HERE = "203.0.113.7 50000 5.9.100.1 22"
RUNNING = "/run/sshd"
ALONE = 'mount -t tmpfs none /run && {} && exec "$0" "$@"'
"""With the folder that sshd wants to be there, and that its unit makes."""

MAIN = "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nSubsystem sftp internal-sftp\n"


class Server(Scratch):
    """With an sshd that runs; `lacks` is a program or folder that is not there, `listens` how ssh.socket is, and
    `streams` on what, as systemctl(1) has it.
    """

    lacks = ""
    listens = "inactive"
    streams: Sequence[str] = ("0.0.0.0:22", "[::]:22")

    def run(self, argv: Sequence[str], *, within: float = 0, offline: bool = False) -> Done:
        if argv[0] == self.lacks:
            raise FileNotFoundError(argv[0])
        if [*argv] == ["systemctl", "is-active", listening.SOCKET]:
            return Done(0 if self.listens == "active" else 3, f"{self.listens}\n")
        if [*argv] == ["systemctl", "show", "--property=Listen", listening.SOCKET]:
            return Done(0, "".join(f"Listen={each} (Stream)\n" for each in self.streams))
        before = "true" if self.lacks == RUNNING else f"mkdir -m 755 {RUNNING}"
        alone = ["unshare", "--mount", "sh", "-c", ALONE.format(before)] if argv[0] == login.SSHD else []
        return super().run([*alone, *argv], within=within, offline=offline)

    def says(self, name: str, text: str) -> None:
        """A file of sshd's configuration."""
        (self.root / "etc/ssh" / name).write_text(text, errors="surrogateescape")

    def process(self, number: int, *, above: int, environment: str = "") -> None:
        """One that runs: proc(5)."""
        folder = self.root / "proc" / str(number)
        folder.mkdir(parents=True)
        (folder / "environ").write_text(environment)
        (folder / "status").write_text(f"Name:\tx\nPid:\t{number}\nPPid:\t{above}\n")


@pytest.fixture
def server(running: Scratch) -> Server:
    if not SSHD.exists():
        pytest.skip("openssh-server is not installed")
    found = Server(running.root)
    (found.root / "etc/ssh/sshd_config.d").mkdir(parents=True)
    (found.root / SSHD.parent.relative_to("/")).mkdir(parents=True)
    (found.root / SSHD.relative_to("/")).touch()
    found.says("sshd_config", MAIN)
    return found


@pytest.fixture
def ours(tmp_path: Path) -> list[Path]:
    """A generation with what is emitted for sshd, as generation 3's package; Debian 12's knows one algorithm less."""
    plan = derive(sound())
    files = {
        each.path[1:]: str(each.content).replace(NEWER, "")
        for each in debian(plan, plan.host(HOST)).entries
        if isinstance(each, File)
    }
    assert {*files} == {DROP_IN[1:], KEYS[1:]}
    return [deb(tmp_path, f"mailnix-{HOST}", "3", files)]


def test_as_debian_has_it_everybody_described_gets_in(server: Server, ours: list[Path]) -> None:
    server.says("sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n")
    server.says("sshd_config.d/01-own.conf", "PasswordAuthentication no\nAllowUsers bob root\nPort 22\nPort 2222\n")
    receive(server, 3, packed(3, ours))
    assert state.numbers(server) == [1, 2, 3]


OWN = "01-own.conf"
SECOND = "PasswordAuthentication yes\nAuthenticationMethods publickey,password\n"
LOCKS_OUT = {
    "a list of users": (OWN, "# mine\nAllowUsers bob\n", "line 2, says: AllowUsers bob"),
    "another port": (OWN, "Port 2222\n", "line 1, says: Port 2222"),
    "loopback alone": (OWN, "ListenAddress 127.0.0.1\n", "ListenAddress 127.0.0.1"),
    "no root": (OWN, "PermitRootLogin no\n", "PermitRootLogin no"),
    "no root from there": (
        OWN,
        "Match Address 203.0.113.0/24\n  PermitRootLogin no\n",
        "line 2, says: PermitRootLogin",
    ),
    "no keys": (OWN, "PubkeyAuthentication no\n", "PubkeyAuthentication no"),
    "a second factor": (OWN, SECOND, "AuthenticationMethods"),
    "keys elsewhere": (OWN, "AuthorizedKeysFile /etc/ssh/keys/%u\n", "AuthorizedKeysFile /etc/ssh/keys"),
    "RSA alone": (OWN, "PubkeyAcceptedAlgorithms rsa-sha2-512\n", "PubkeyAcceptedAlgorithms rsa"),
    "denied users": ("99-own.conf", "DenyUsers ro*\n", "99-own.conf, line 1, says: DenyUsers ro"),
    "a list of groups": ("99-own.conf", "AllowGroups ssh-users\n", "AllowGroups ssh-users"),
    "root by a block": (OWN, "Match User root\n  PubkeyAuthentication no\n", "line 2, says: PubkeyAuthentication"),
    "root's group by a block": (OWN, "Match Group root\n  PermitRootLogin no\n", "line 2, says: PermitRootLogin no"),
    "the port by a block": (OWN, "Match LocalPort 22\n  AllowUsers bob\n", "line 2, says: AllowUsers bob"),
    "all by a block": ("99-own.conf", "Match all\n  DenyGroups root\n", "line 2, says: DenyGroups root"),
    "files alone": ("99-own.conf", "Match User root\n  ForceCommand internal-sftp -d %h\n", "ForceCommand internal"),
    "another address": (OWN, "ListenAddress 10.0.0.5\nListenAddress [::]:22\n", "line 1, says: ListenAddress"),
    "the other family": (OWN, "AddressFamily inet6\n", "line 1, says: AddressFamily inet6"),
    "root from elsewhere alone": ("99-own.conf", "AllowUsers root@198.51.100.0/24\n", "AllowUsers root@"),
}


@pytest.mark.parametrize(("name", "text", "why"), LOCKS_OUT.values(), ids=LOCKS_OUT.keys())
def test_an_owners_drop_in_that_locks_out_is_named(
    server: Server, ours: list[Path], name: str, text: str, why: str
) -> None:
    receive(server, 3, packed(3, ours))
    server.says(f"sshd_config.d/{name}", text)
    with pytest.raises(Refused, match=rf"would lock you out: .* root on port 22, for /etc/ssh/.*{why}"):
        login.refuse(server, state.generation(server, 3), HERE)


LETS_IN = {
    "one more port": "Port 2222\nPort 22\n",
    "the address that is come to": "ListenAddress 127.0.0.1:22\nListenAddress 5.9.100.1\n",
    "somebody else's block": "Match User bob\n  PermitRootLogin no\n  ForceCommand internal-sftp\n",
    "another port's block": "Match LocalPort 2222\n  PermitRootLogin no\n",
    "a program that runs what is asked for": "ForceCommand /usr/local/bin/logged\n",
    "root from there": "AllowUsers root@203.0.113.*\n",
    "root from a name": "AllowUsers root@office.example.org\n",
    "root's group": "AllowGroups ssh-users root\n",
    "somebody else denied": "DenyUsers bob\nDenyUsers root@198.51.100.1\n",
    "keys in both places": "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u\n",
    "either way": "AuthenticationMethods publickey,password publickey\n",
}


@pytest.mark.parametrize("text", LETS_IN.values(), ids=LETS_IN.keys())
def test_one_that_lets_in_is_not(server: Server, ours: list[Path], text: str) -> None:
    receive(server, 3, packed(3, ours))
    server.says("sshd_config.d/01-own.conf", text)
    login.refuse(server, state.generation(server, 3), HERE)


FROM_THERE = {
    "a list": ("99-own.conf", "AllowUsers debian root@203.0.113.7\n"),
    "a block": (OWN, "PermitRootLogin no\nMatch Address 203.0.113.0/24\n  PermitRootLogin prohibit-password\n"),
    "a card": (OWN, "PermitRootLogin no\nMatch LocalAddress 5.9.100.1\n  PermitRootLogin prohibit-password\n"),
}


@pytest.mark.parametrize(("name", "text"), FROM_THERE.values(), ids=FROM_THERE.keys())
def test_whoever_comes_by_sudo_is_known_by_the_shell_above_it(
    server: Server, ours: list[Path], name: str, text: str
) -> None:
    """sudo keeps SSH_CONNECTION to itself (sudoers(5), env_reset)."""
    receive(server, 3, packed(3, ours))
    server.says(f"sshd_config.d/{name}", text)
    server.process(os.getppid(), above=41)
    server.process(41, above=1, environment=f"SHELL=/bin/sh\0SSH_CONNECTION={HERE}\0")
    login.refuse(server, state.generation(server, 3))


def test_nothing_is_taken_of_one_that_locks_out(server: Server, ours: list[Path]) -> None:
    server.says("sshd_config.d/99-own.conf", "AllowUsers bob\n")
    with pytest.raises(Refused, match="AllowUsers bob"):
        receive(server, 3, packed(3, ours))
    assert state.numbers(server) == [1, 2]


def test_what_came_since_is_seen_before_the_switch(server: Server, ours: list[Path]) -> None:
    receive(server, 3, packed(3, ours))
    server.says("sshd_config.d/99-own.conf", "AllowUsers bob\n")
    with pytest.raises(Refused, match="AllowUsers bob"):
        verbs.switch(server, 3, 60, "a")
    assert state.read(server).pending is None


def test_a_configuration_that_sshd_does_not_take_is_told_in_its_words(server: Server, ours: list[Path]) -> None:
    server.says("sshd_config.d/99-own.conf", "Prot 22\n")
    with pytest.raises(Refused, match=r"/etc/ssh/sshd_config\.d/99-own\.conf.*line 1.*Prot"):
        receive(server, 3, packed(3, ours))


def test_and_so_is_a_second_factor_that_nobody_can_give(server: Server, ours: list[Path]) -> None:
    server.says("sshd_config.d/99-own.conf", "AuthenticationMethods publickey,password\n")
    with pytest.raises(Refused, match="AuthenticationMethods cannot be satisfied"):
        receive(server, 3, packed(3, ours))


def test_includes_of_other_places_count(server: Server, ours: list[Path]) -> None:
    server.says("sshd_config", f"Include more.conf\n{MAIN}")
    server.says("more.conf", "PermitRootLogin no\n")
    with pytest.raises(Refused, match=r"of permitrootlogin|PermitRootLogin no"):
        receive(server, 3, packed(3, ours))


def test_what_sshd_does_not_read_is_no_reason(server: Server, ours: list[Path]) -> None:
    """Links that lead nowhere or round, pipes and folders beside sshd's configuration keep nobody from deploying."""
    there = server.root / "etc/ssh"
    (there / "ssh_known_hosts").symlink_to("/var/lib/gone/known_hosts")
    (there / "ssh").symlink_to(there)
    (there / "agent").symlink_to("agent")
    os.mkfifo(there / "pipe")
    server.says("sshd_config.d/50-own.conf", "# na\xefve\n".encode("latin-1").decode("utf-8", "surrogateescape"))
    server.says("sshd_config.d/99-own.conf", "AllowUsers bob\n")
    with pytest.raises(Refused, match="AllowUsers bob"):
        receive(server, 3, packed(3, ours))
    (there / "sshd_config.d/99-own.conf").unlink()
    receive(server, 3, packed(3, ours))


def test_what_cannot_be_judged_passes(server: Server, ours: list[Path]) -> None:
    server.lacks = "ssh-keygen"
    server.says("sshd_config.d/99-own.conf", "AllowUsers bob\n")
    receive(server, 3, packed(3, ours))
    assert state.numbers(server) == [1, 2, 3]


def test_warnings_are_no_reason_where_sshd_cannot_be_asked(server: Server, ours: list[Path]) -> None:
    """An option of before is worth a line of sshd's, with its number; it starts all the same."""
    server.says("sshd_config", f"UsePrivilegeSeparation sandbox\n{MAIN}")
    server.lacks = RUNNING
    receive(server, 3, packed(3, ours))
    assert state.numbers(server) == [1, 2, 3]


def test_where_systemd_listens_its_socket_has_the_port(server: Server, ours: list[Path]) -> None:
    server.says("sshd_config.d/01-own.conf", "Port 2222\n")
    server.listens = "active"
    receive(server, 3, packed(3, ours))
    server.streams = ()
    login.refuse(server, state.generation(server, 3), HERE)
    server.listens = "inactive"
    with pytest.raises(Refused, match="Port 2222"):
        login.refuse(server, state.generation(server, 3), HERE)


def test_a_socket_that_listens_elsewhere_locks_out(server: Server, ours: list[Path]) -> None:
    """Debian's is moved by a drop-in (ListenStream=)."""
    receive(server, 3, packed(3, ours))
    server.listens, server.streams = "active", ("[::]:2222", "127.0.0.1:22")
    with pytest.raises(Refused, match=r"port 22, for ssh\.socket listens on \[::\]:2222 and 127\.0\.0\.1:22 alone\."):
        login.refuse(server, state.generation(server, 3), HERE)
    for streams in (("[::]:22",), ("[::]:2222", "5.9.100.1:22"), ()):  # the last is what nobody tells
        server.streams = streams
        login.refuse(server, state.generation(server, 3), HERE)


STARTED_WITH = {
    "another port": "-p 2222",
    "another port as a setting": "-oPort=2222",
    "loopback alone": "'-o ListenAddress=127.0.0.1'",
    "the other family": "-6",
    "a list of users": "-o 'AllowUsers bob'",
    "no root": "-4 -o PermitRootLogin=no",
}


@pytest.mark.parametrize("options", STARTED_WITH.values(), ids=STARTED_WITH.keys())
def test_what_debians_unit_starts_sshd_with_counts_before_its_files(
    server: Server, ours: list[Path], options: str
) -> None:
    receive(server, 3, packed(3, ours))
    (server.root / "etc/default").mkdir()
    defaults = server.root / listening.DEFAULTS[1:]
    defaults.write_text(f'# -p 22\nSSHD_OPTS="{options}"\n')
    with pytest.raises(Refused, match=rf'port 22, for /etc/default/ssh says: SSHD_OPTS="{options}"\.'):
        login.refuse(server, state.generation(server, 3), HERE)
    for lets_in in ("", "-4 -p 22 -p 2222 -u0", "-f /etc/ssh/other", "-E /var/log/sshd -o LogLevel=DEBUG", "'"):
        defaults.write_text(f'SSHD_OPTS="{lets_in}"\n')
        login.refuse(server, state.generation(server, 3), HERE)


def test_described_keys_at_another_place_are_keys(server: Server, ours: list[Path]) -> None:
    """Hardened servers keep them out of home folders; whoever has a described key there gets in."""
    (key, *_) = derive(sound()).topology.admin_keys
    server.says("sshd_config.d/01-own.conf", "AuthorizedKeysFile /etc/ssh/keys/%u\n")
    (server.root / "etc/ssh/keys").mkdir()
    server.says("keys/root", f"# {key}\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIother x\n")
    with pytest.raises(Refused, match="AuthorizedKeysFile"):
        receive(server, 3, packed(3, ours))
    server.says("keys/root", f"no-pty {' '.join(key.split()[:2])} mine\n")
    receive(server, 3, packed(3, ours))


def test_a_program_that_gives_keys_is_not_judged(server: Server, ours: list[Path]) -> None:
    asks = "AuthorizedKeysCommand /usr/bin/sss_ssh_authorizedkeys\nAuthorizedKeysCommandUser nobody\n"
    server.says("sshd_config.d/01-own.conf", f"AuthorizedKeysFile none\n{asks}")
    receive(server, 3, packed(3, ours))
    assert state.numbers(server) == [1, 2, 3]


def test_where_no_sshd_is_nobody_is_asked(server: Server, ours: list[Path]) -> None:
    (server.root / SSHD.relative_to("/")).unlink()
    shutil.rmtree(server.root / "etc/ssh")
    receive(server, 3, packed(3, ours))
    assert not [words for words in server.ran if login.SSHD in words]
