"""New passwords for Mailcow's database, changed in it: from mailcow.conf it takes them only when it is made.

Statements go to the client on standard input, behind the password, so that no secret stands in a command line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

SERVICE = "mysql-mailcow"
VARIABLES = ("DBPASS", "DBROOT")
ACCOUNTS = (("mailcow", "%", "DBPASS"), ("root", "%", "DBROOT"), ("root", "localhost", "DBROOT"))
CLIENT = "read -r MYSQL_PWD; export MYSQL_PWD; exec mariadb --user=root"
ATTEMPTS = 60
PAUSE = 2.0  # seconds


class Command(Protocol):
    """How programs are run."""

    def __call__(self, argv: Sequence[str], *, stdin: str = "") -> str:
        """Run a program with something on its standard input; raises RuntimeError where it fails."""
        ...


def change_passwords(
    old: Mapping[str, str],
    new: Mapping[str, str],
    compose: Sequence[str],
    command: Command,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Start the database alone and give its accounts their new passwords; whether it has them now.

    A run that was cut short after the change is finished by the next: the new password is tried as well.
    """
    try:
        if SERVICE not in command([*compose, "config", "--services"]).split():
            return False
        command([*compose, "up", "--detach", "--no-build", "--no-deps", SERVICE])
    except RuntimeError:
        return False
    client = [*compose, "exec", "-T", SERVICE, "sh", "-c", CLIENT]
    script = "".join(f"ALTER USER IF EXISTS '{u}'@'{host}' IDENTIFIED BY '{new[n]}';\n" for u, host, n in ACCOUNTS)
    for _attempt in range(ATTEMPTS):
        for password in (old["DBROOT"], new["DBROOT"]):
            try:
                command(client, stdin=f"{password}\n{script}")
            except RuntimeError:
                continue
            return True
        pause(PAUSE)
    return False
