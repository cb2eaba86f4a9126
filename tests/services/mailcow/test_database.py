from collections.abc import Sequence

from mailnix.services.mailcow.guest.database import ATTEMPTS, change_passwords

COMPOSE = ("docker", "compose")
OLD = {"DBPASS": "old-user", "DBROOT": "old-root"}
NEW = {"DBPASS": "new-user", "DBROOT": "new-root"}


class Database:
    """A database behind `docker compose`: answers one root password, is ready after some attempts."""

    def __init__(self, root: str = "old-root", *, services: str = "mysql-mailcow nginx-mailcow", busy: int = 0) -> None:
        self.root = root
        self.services = services
        self.busy = busy
        self.argvs: list[Sequence[str]] = []
        self.scripts: list[str] = []

    def __call__(self, argv: Sequence[str], *, stdin: str = "") -> str:
        self.argvs.append(argv)
        if "exec" not in argv:
            return self.services
        self.busy -= 1
        password, _, script = stdin.partition("\n")
        if self.busy >= 0 or password != self.root:
            raise RuntimeError("Access denied")
        self.scripts.append(script)
        return ""


def change(database: Database, pauses: list[float] | None = None) -> bool:
    return change_passwords(OLD, NEW, COMPOSE, database, (pauses if pauses is not None else []).append)


def test_every_account_gets_its_new_password() -> None:
    database = Database()
    assert change(database)
    assert database.scripts == [
        "ALTER USER IF EXISTS 'mailcow'@'%' IDENTIFIED BY 'new-user';\n"
        "ALTER USER IF EXISTS 'root'@'%' IDENTIFIED BY 'new-root';\n"
        "ALTER USER IF EXISTS 'root'@'localhost' IDENTIFIED BY 'new-root';\n"
    ]


def test_no_password_stands_in_a_command_line() -> None:
    database = Database()
    change(database)
    words = " ".join(word for argv in database.argvs for word in argv)
    assert not any(secret in words for secret in (*OLD.values(), *NEW.values()))


def test_a_database_that_starts_is_waited_for() -> None:
    pauses: list[float] = []
    assert change(Database(busy=5), pauses)
    assert 0 < len(pauses) < ATTEMPTS


def test_a_change_that_was_cut_short_is_finished() -> None:
    assert change(Database(root="new-root"))


def test_a_database_that_accepts_neither_password_is_left_alone() -> None:
    database = Database(root="something else")
    assert not change(database)
    assert database.scripts == []


def test_without_such_a_service_nothing_is_started() -> None:
    database = Database(services="nginx-mailcow")
    assert not change(database)
    assert len(database.argvs) == 1
