"""A Postfix with Mailcow's key settings."""

from __future__ import annotations

import contextlib
import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from mailnix import run
from rig.resolv import with_nameserver
from rig.stand import Stand
from rig.waiting import answers, free_port, until

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}/log
myhostname = mail.internal.example
mydestination =
mynetworks = 127.0.0.99/32
inet_interfaces = 127.0.0.1
inet_protocols = all
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ alice@example.org=alice/, bob@example.org=bob/ }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = 104857600
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_tls_security_level = {tls}
smtpd_tls_key_file = {certificate}/key.pem
smtpd_tls_cert_file = {certificate}/cert.pem
default_process_limit = 200
"""

TRUSTING = "smtpd_authorized_xclient_hosts = 127.0.0.1"

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
smtp unix - - n - - smtp
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@frozen
class Postfix:
    """A running Postfix with mailboxes alice and bob of example.org."""

    folder: Path
    port: int

    @property
    def log(self) -> str:
        """Its log."""
        path = self.folder / "log/mail.log"
        return path.read_text() if path.exists() else ""

    def mail(self, mailbox: str) -> list[bytes]:
        """The messages that a mailbox has received."""
        return [path.read_bytes() for path in sorted((self.folder / "mail" / mailbox / "new").glob("*"))]

    def arrived(self, mailbox: str, count: int = 1) -> list[bytes]:
        """Its messages, when there are as many as `count`."""
        until(lambda: len(self.mail(mailbox)) >= count, f"{count} messages for {mailbox}")
        return self.mail(mailbox)


@contextlib.contextmanager
def postfix(stand: Stand, *, tls: str = "may", extra: str = TRUSTING, nameserver: str = "") -> Iterator[Postfix]:
    """A Postfix until the end of the block; `extra` goes into its main.cf, `nameserver` into its own resolv.conf."""
    folder = Path(tempfile.mkdtemp(dir=stand.folder, prefix="postfix-"))
    owner = pwd.getpwnam("postfix")
    folder.chmod(0o755)
    for name in ("etc", "queue", "log"):
        (folder / name).mkdir()
    for name in ("data", "mail"):
        (folder / name).mkdir()
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    instance = Postfix(folder, free_port())
    values = {"folder": folder, "uid": owner.pw_uid, "gid": owner.pw_gid, "certificate": stand.certificate_folder}
    (folder / "etc/main.cf").write_text(MAIN_CF.format(tls=tls, **values) + extra + "\n")
    (folder / "etc/master.cf").write_text(MASTER_CF.format(port=instance.port))
    program = run.require("postfix", "postfix")
    command: list[str | Path] = [program, "-c", folder / "etc"]
    run.run([*with_nameserver(nameserver, folder), *command, "start"], timeout=60)
    try:
        until(lambda: answers(instance.port), "Postfix accepts connections")
        yield instance
    finally:
        run.run([*command, "abort"], check=False, timeout=60)
