"""Mailcow, from a Docker that says what the real one does, and files."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from mailnix.doctor.machines.guest import home
from mailnix.doctor.machines.guest.here import CouldNotAsk
from tests.doctor.machines.guest.fake import NOW, Fake

POSTFIX = {"project": "mailcowdockerized", "service": "postfix-mailcow", "config": "/opt/postfix/conf", "late": 3600.0}
TOLD = {"project": "mailcowdockerized", "tree": "/var/lib/mailcow", "record": "/var/lib/mailcow/.mailnix.json"}


def waits(seconds: float, *reasons: str) -> str:
    """A line of `postqueue -j`."""
    who = [{"address": "a@far.example", "delay_reason": reason} for reason in reasons] or [{"address": "a@far.example"}]
    return json.dumps(
        {"queue_name": "deferred", "queue_id": "A1", "arrival_time": int(NOW - seconds), "recipients": who}
    )


def test_late_mails_say_why_they_wait(fake: Fake) -> None:
    lines = [waits(30), waits(4000, "refused"), waits(5000, "busy"), waits(9000, "refused")]
    fake.file("/mailq", "\n".join(lines) + "\n")
    fake.program("docker", f'[ "$1" = ps ] && echo c1 && exit; echo "$@" >&2; cat {fake.folder}/root/mailq')
    said = home.mailq(fake.here, POSTFIX)
    assert said == {"count": 4, "oldest": 9000.0, "late": 3, "reasons": ["refused", "busy"]}


def test_a_queue_of_a_postfix_that_does_not_run_is_not_asked(fake: Fake) -> None:
    fake.says("docker", "")
    with pytest.raises(CouldNotAsk, match="postfix-mailcow does not run"):
        home.mailq(fake.here, POSTFIX)


def inspected(service: str, state: str = "running", health: str | None = "healthy") -> dict[str, Any]:
    told: dict[str, Any] = {"Status": state, "ExitCode": 0}
    if health:
        told["Health"] = {"Status": health}
    return {
        "Name": f"/mailcowdockerized-{service}-1",
        "State": told,
        "Image": "sha256:1",
        "Config": {"Image": f"mailcow/{service}:1", "Labels": {"com.docker.compose.service": service}},
    }


def docker(fake: Fake, *containers: dict[str, Any]) -> None:
    fake.file("/inspected", json.dumps(containers))
    fake.file("/image", json.dumps([{"Id": "sha256:1", "RepoDigests": ["mailcow/x@sha256:9"]}]))
    root = fake.folder / "root"
    fake.program(
        "docker",
        f"""case "$1 $2" in
"ps --all") echo c1 ;;
"inspect c1") cat {root}/inspected ;;
"image inspect") cat {root}/image ;;
compose*) echo postfix-mailcow; echo nginx-mailcow ;;
*) echo "$@" >&2; exit 1 ;;
esac""",
    )


def test_containers_are_said_in_dockers_words(fake: Fake) -> None:
    fake.file("/var/lib/mailcow/.mailnix.json", '{"rev": "abc"}')
    docker(fake, inspected("postfix-mailcow"), inspected("nginx-mailcow", health=None))
    said = home.containers(fake.here, TOLD)
    assert [(each["service"], each["state"], each["health"]) for each in said["containers"]] == [
        ("postfix-mailcow", "running", "healthy"),
        ("nginx-mailcow", "running", ""),
    ]
    assert (said["services"], said["rev"]) == (["nginx-mailcow", "postfix-mailcow"], "abc")
    assert said["images"][0] == {"name": "mailcow/nginx-mailcow:1", "id": "sha256:1", "digests": ["mailcow/x@sha256:9"]}


def test_a_container_that_is_just_being_restarted_is_looked_at_again(fake: Fake) -> None:
    fake.file("/var/lib/mailcow/.mailnix.json", "{}")
    docker(fake, inspected("postfix-mailcow", "exited"))
    here = fake.here.__class__(
        fake.here.root, fake.here.path, fake.here.now, lambda _seconds: docker(fake, inspected("postfix-mailcow"))
    )
    assert home.containers(here, TOLD)["containers"][0]["state"] == "running"


def test_a_mailcow_without_containers_has_none(fake: Fake) -> None:
    fake.file("/var/lib/mailcow/.mailnix.json", "{}")
    fake.program("docker", '[ "$1" = compose ] && echo postfix-mailcow; exit 0')
    said = home.containers(fake.here, TOLD)
    assert (said["containers"], said["services"]) == ([], ["postfix-mailcow"])


BACKUP = {
    "folder": "/backups/mailcow",
    "prefix": "mailcow-",
    "sums": "SHA256SUMS",
    "unit": "mailcow-backup.service",
    "drill": "/backups/mailcow/restored",
    "born": "/key",
}
ENDED = "ActiveState=inactive\nResult={}\nExecMainStatus=0\nExecMainExitTimestampMonotonic=1\n"


def aged(fake: Fake, path: str, seconds: float) -> None:
    os.utime(fake.file(path), (NOW - seconds, NOW - seconds))


def test_only_whole_backups_count(fake: Fake) -> None:
    fake.says("systemctl", ENDED.format("success"))
    aged(fake, "/backups/mailcow/mailcow-1/SHA256SUMS", 200_000)
    aged(fake, "/backups/mailcow/mailcow-2/SHA256SUMS", 90_000)
    aged(fake, "/backups/mailcow/mailcow-3/backup_vmail.tar.zst", 10)
    aged(fake, "/backups/mailcow/restored", 500_000)
    aged(fake, "/key", 900_000)
    said = home.backup(fake.here, BACKUP)
    assert said == {
        "folder": True,
        "count": 2,
        "last": 90_000.0,
        "result": "success",
        "drill": 500_000.0,
        "born": 900_000.0,
    }


def test_a_folder_that_is_not_there_has_no_backups(fake: Fake) -> None:
    fake.says("systemctl", ENDED.format("exit-code"))
    said = home.backup(fake.here, BACKUP)
    assert (said["folder"], said["count"], said["last"], said["result"]) == (False, 0, None, "exit-code")


def test_the_provisioners_last_words_are_handed_on(fake: Fake) -> None:
    fake.says("systemctl", "ActiveState=failed\nResult=exit-code\nExecMainStatus=2\nExecMainExitTimestampMonotonic=1\n")
    fake.says("journalctl", "Started\nalice@example.org: refused: quota\n0 changes, 1 refused\nDeactivated\n")
    said = home.provision(fake.here, {"unit": "mailcow-provision.service"})
    assert (said["active"], said["status"]) == ("failed", "2")
    assert said["said"] == ["alice@example.org: refused: quota", "0 changes, 1 refused"]
