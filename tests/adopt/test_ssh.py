"""Reading over SSH: the program that runs there, run here by sh, with the containers' programs in the PATH."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from mailnix.adopt import adopted, ssh
from mailnix.adopt.ssh import Target, argv, program, target_of
from mailnix.errors import AdoptError, CommandFailed
from mailnix.lab.waiting import attempts
from mailnix.model.mail import Alias, Mailbox, Protocol
from mailnix.run import Completed, run, spawn
from tests.adopt.conftest import ANSWERS

ODD = 'Al "ice" \\ O\'Neil\n\t\x01 Ä 🐮\u2028'
PEM = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"

SCHEMA = """
CREATE TABLE domain (domain VARCHAR(255), description VARCHAR(255), aliases INT, mailboxes INT, maxquota BIGINT,
  quota BIGINT, relayhost VARCHAR(255), backupmx TINYINT(1), relay_all_recipients TINYINT(1), active TINYINT(1));
CREATE TABLE mailbox (username VARCHAR(255), password VARCHAR(255), name VARCHAR(255), quota BIGINT,
  local_part VARCHAR(255), domain VARCHAR(255), attributes JSON, kind VARCHAR(100), authsource VARCHAR(20),
  active TINYINT(1));
CREATE TABLE alias (id INT, address VARCHAR(255), goto TEXT, domain VARCHAR(255), active TINYINT(1));
CREATE TABLE alias_domain (alias_domain VARCHAR(255), target_domain VARCHAR(255), active TINYINT(1));
CREATE TABLE sender_acl (logged_in_as VARCHAR(255), send_as VARCHAR(255), external TINYINT(1));
CREATE TABLE relayhosts (id INT, hostname VARCHAR(255), username VARCHAR(255), password VARCHAR(255), active INT);
CREATE TABLE imapsync (id INT, password1 VARCHAR(255));
"""
"""As Mailcow's init_db.inc.php makes them, without columns that are not asked for; transports and others are missing,
and so are newer columns of alias, as in an older Mailcow."""
DOCKER = """#!/bin/sh
# docker, of a machine with two containers: `ps` gives a name, `exec` runs what the container would.
case "$1" in
  ps) case "$*" in *"service=$GONE"*) ;; *service=mysql-*) echo mysql ;; *service=redis-*) echo redis ;; esac ;;
  exec)
    while [ "$1" != mysql ] && [ "$1" != redis ]; do
      case "$1" in NAME=*) export "$1" ;; esac
      shift
    done
    shift
    exec "$@" ;;
esac
"""
REDIS = """#!/bin/sh
[ "$REDISCLI_AUTH" = redis-Password ] || { echo "NOAUTH Authentication required." >&2; exit 1; }
[ "$1 $3 $4" = "EVAL 1 $NAME" ] && cat "$HASHES/$NAME"
"""


@frozen
class Machine:
    """A machine with Mailcow: its folder, and what is in the PATH and environment there."""

    folder: Path
    env: Mapping[str, str]

    def __call__(self, argv: Sequence[str | os.PathLike[str]], **how: Any) -> Completed:
        """What ssh would run there, run here."""
        assert argv[0] == "ssh"
        return run(["sh", "-c", str(argv[-1])], stdin=how["stdin"], env=self.env, timeout=60, check=how["check"])


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A MariaDB with such tables, on a socket."""
    if shutil.which("mariadbd") is None or shutil.which("mariadb-install-db") is None:
        pytest.skip("mariadbd is not installed (Debian: mariadb-server)")
    folder = tmp_path_factory.mktemp("mariadb")
    quiet = ["--no-defaults", f"--datadir={folder / 'data'}", "--innodb-buffer-pool-size=8M"]
    me = [f"--user={os.environ.get('USER', 'root')}"] if os.geteuid() == 0 else []
    run(["mariadb-install-db", *quiet, *me, "--auth-root-authentication-method=normal", "--skip-test-db"], timeout=120)
    socket = folder / "s"
    words = ["mariadbd", *quiet, *me, f"--socket={socket}", "--skip-networking", f"--pid-file={folder / 'pid'}"]
    with spawn(words, folder / "log"):
        client = ["mariadb", "--no-defaults", "-u", "root", f"--socket={socket}"]
        looks = attempts(60.0)
        while run([*client, "-e", "DO 0"], check=False).status != 0:
            next(looks)
        made = "CREATE DATABASE mailcow CHARACTER SET utf8mb4; CREATE USER mailcow IDENTIFIED BY 'db-Password';"
        made += "GRANT ALL ON mailcow.* TO mailcow; USE mailcow;"
        run(client, stdin=(made + SCHEMA).encode())
        yield socket


@pytest.fixture
def machine(database: Path, tmp_path: Path) -> Machine:
    folder, path = tmp_path / "mailcow-dockerized", tmp_path / "bin"
    folder.mkdir()
    path.mkdir()
    (folder / "mailcow.conf").write_text(
        "MAILCOW_HOSTNAME=mail.example.org\nDBPASS=db-Password\nTZ=Europe/Berlin\n# TZ=no\nSKIP_CLAMD=y\n"
    )
    (folder / "docker-compose.yml").write_text("services:\n")
    hashes = tmp_path / "hashes"
    hashes.mkdir()
    for name in ssh.HASHES:
        (hashes / name).write_text("{}\n")
    mariadb = f'#!/bin/sh\nexec {shutil.which("mariadb")} --no-defaults --socket={database} "$@"\n'
    for name, text in {"docker": DOCKER, "redis-cli": REDIS, "mariadb": mariadb}.items():
        (path / name).write_text(text)
        (path / name).chmod(0o755)
    env = {"MYSQL_USER": "mailcow", "MYSQL_PASSWORD": "db-Password", "MYSQL_DATABASE": "mailcow", "GONE": "none"}
    env |= {"REDISPASS": "redis-Password", "HASHES": str(hashes), "PATH": f"{path}:{os.environ['PATH']}"}
    return Machine(folder, env)


def hold(machine: Machine, sql: str) -> None:
    run(
        ["mariadb", "-u", "mailcow", "--default-character-set=utf8mb4", "mailcow"],
        stdin=sql.encode(),
        env={**machine.env, "MYSQL_PWD": "db-Password"},
    )


@pytest.fixture
def filled(machine: Machine) -> Machine:
    tables = ["domain", "mailbox", "alias", "alias_domain", "sender_acl", "relayhosts", "imapsync"]
    hold(machine, "".join(f"DELETE FROM {table};" for table in tables))
    name = ODD.replace("\\", "\\\\").replace("'", "\\'")
    hold(
        machine,
        f"""
INSERT INTO domain VALUES ('example.org', '', 400, 10, 10240, 10240, '7', 0, 0, 1);
INSERT INTO mailbox VALUES
  ('alice@example.org', '{{BLF-CRYPT}}hash', '{name}', 2147483648, 'alice', 'example.org',
   '{{"imap_access":"0"}}', '', 'mailcow', 1),
  ('bob@example.org', 'x', 'Bob B.', 1073741824, 'bob', 'example.org', '{{}}', '', 'mailcow', 1),
  ('room@example.org', 'x', 'Room', 0, 'room', 'example.org', '{{}}', 'location', 'mailcow', 1);
INSERT INTO alias VALUES (1, 'alice@example.org', 'alice@example.org', 'example.org', 1),
  (2, 'postmaster@example.org', 'alice@example.org,bob@example.org', 'example.org', 1);
INSERT INTO alias_domain VALUES ('example.net', 'example.org', 1);
INSERT INTO sender_acl VALUES ('bob@example.org', 'alice@example.org', 0), ('bob@example.org', 'x@x.example', 1);
INSERT INTO relayhosts VALUES (7, '[smtp.example.com]:587', 'me', 'relay-Password', 1);
INSERT INTO imapsync VALUES (1, 'sync-Password');
""",
    )
    hashes = Path(machine.env["HASHES"])
    for table, pairs in {
        "DKIM_PUB_KEYS": ["example.org", "MIIB"],
        "DKIM_SELECTORS": ["example.org", "mail"],
        "DKIM_PRIV_KEYS": ["mail.example.org", PEM],
        "RL_VALUE": ["bob@example.org", "50 / 1h"],
        "WHITELISTED_FWD_HOST": ["192.0.2.7", "relay.example.com"],
    }.items():
        (hashes / table).write_text(json.dumps(pairs) + "\n")
    return machine


def target(machine: Machine) -> Target:
    return Target("root@home", str(machine.folder))


def test_it_reads_the_database_and_redis(filled: Machine) -> None:
    found = ssh.read(target(filled), filled)
    assert (found.hostname, found.settings["TZ"]) == ("mail.example.org", "Europe/Berlin")
    assert [row.text("name") for row in found.mailboxes] == [ODD, "Bob B."]
    assert found.mailboxes[1].texts("sender_acl") == ("alice@example.org",)
    assert [row.text("address") for row in found.aliases] == ["postmaster@example.org"]
    assert found.keys["example.org"].selector == "mail"
    private = found.keys["example.org"].private
    assert private is not None
    assert private.reveal().decode() == PEM
    assert found.further == {"sync jobs": 1, "resources (rooms, things)": 1}


def test_no_password_leaves_the_machine(filled: Machine) -> None:
    said = filled(argv(target(filled)), stdin=program().encode(), check=True)
    for secret in ("db-Password", "redis-Password", "relay-Password", "sync-Password", "BLF-CRYPT"):
        assert secret not in said.stdout + said.stderr


def test_it_is_described(filled: Machine) -> None:
    made = adopted(ssh.read(target(filled), filled), ANSWERS)
    domain, mirror = made.topology.domains
    but_imap = [each for each in Protocol if each is not Protocol.IMAP]
    assert domain.mailboxes == (
        Mailbox("alice", quota="2 GiB", sends_per_hour=0, protocols=but_imap),
        Mailbox("bob", quota="1 GiB", name="Bob B.", sends_per_hour=50, send_as=["alice"]),
    )
    assert (mirror.name, mirror.alias_of) == ("example.net", "example.org")
    assert domain.aliases == (Alias("postmaster", to=["alice", "bob"]),)
    assert (domain.dkim_selector, made.topology.timezone) == ("mail", "Europe/Berlin")
    said = " ".join(made.notes)
    assert "relay host [smtp.example.com]:587: is a relay here" in said
    assert [relay.host for relay in made.topology.relays] == ["smtp.example.com"]


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda m: shutil.rmtree(m.folder), "there is no folder"),
        (lambda m: (m.folder / "mailcow.conf").unlink(), "holds no Mailcow"),
        (lambda m: (m.folder / "mailcow.conf").write_text("TZ=UTC\n"), "has no MAILCOW_HOSTNAME"),
        (lambda m: (Path(m.env["HASHES"]) / "DKIM_PRIV_KEYS").unlink(), "No such file"),
        (
            lambda m: (Path(m.env["HASHES"]) / "RL_VALUE").write_text("nonsense\n"),
            "said something that is no Mailcow's",
        ),
    ],
    ids=["no folder", "no mailcow.conf", "no host name", "Redis fails", "Redis says no JSON"],
)
def test_what_is_wrong_there_is_said(filled: Machine, break_it: Any, said: str) -> None:
    break_it(filled)
    with pytest.raises(AdoptError, match=said) as error:
        ssh.read(target(filled), filled)
    assert "abc" not in error.value.message


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"GONE": "mysql-mailcow"}, "mysql-mailcow does not run"),
        ({"MYSQL_PASSWORD": "another"}, "Access denied"),
        ({"REDISPASS": "another"}, "NOAUTH"),
    ],
    ids=" ".join,
)
def test_a_service_that_does_not_answer_is_said(filled: Machine, env: dict[str, str], said: str) -> None:
    broken = Machine(filled.folder, {**filled.env, **env})
    with pytest.raises(AdoptError, match=said):
        ssh.read(target(broken), broken)


def said_by(completed: Completed) -> Any:
    return lambda *_, **__: completed


def test_an_answer_that_breaks_off_is_not_taken_for_whole() -> None:
    ended = Completed((), 0, "conf MAILCOW_HOSTNAME=mail.example.org\n", "")
    with pytest.raises(AdoptError, match="said only a part"):
        ssh.read(Target("root@home"), said_by(ended))


def test_what_ssh_says_is_handed_on() -> None:
    ended = Completed((), 255, "", "ssh: connect to host home port 22: Connection refused\r\n")
    with pytest.raises(
        AdoptError, match="cannot be read: ssh: connect to host home port 22: Connection refused"
    ) as error:
        ssh.read(Target("root@home"), said_by(ended))
    assert error.value.hint == "try: ssh root@home true"


def test_a_key_is_in_no_message_of_a_machine_that_hangs() -> None:
    def hanging(*_: Any, **__: Any) -> Completed:
        raise CommandFailed(["ssh"], None, PEM)

    with pytest.raises(AdoptError) as error:
        ssh.read(Target("root@home"), hanging)
    assert "abc" not in error.value.message + error.value.hint


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("root@home", Target("root@home")),
        ("root@home:/srv/mailcow", Target("root@home", "/srv/mailcow")),
        ("ssh://root@home:2222", Target("ssh://root@home:2222")),
        ("ssh://root@home:2222/srv/mailcow", Target("ssh://root@home:2222", "/srv/mailcow")),
    ],
)
def test_a_target_is_as_ssh_takes_it(text: str, target: Target) -> None:
    assert target_of(text) == target


@pytest.mark.parametrize(
    "text", ["-oProxyCommand=x@y", "root@home:/srv; reboot", "root@home:relative", "a b@c", "@home", "ssh://home"]
)
def test_a_target_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(AdoptError):
        target_of(text)


def test_sh_understands_the_program() -> None:
    assert subprocess.run(["sh", "-n"], input=program().encode(), check=False).returncode == 0
