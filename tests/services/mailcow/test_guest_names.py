"""Programs on the machine stand alone, so names that they share with Python are typed there too: they are the same."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from mailnix.image.images_disk import LABEL
from mailnix.lab.fake_mailcow.build import tree
from mailnix.model import paths
from mailnix.plan import Plan, credentials
from mailnix.services.mailcow import debian, units
from mailnix.services.mailcow.guest import backup, description, images, provision, setup
from mailnix.services.mailcow.guest.machine import Paths
from mailnix.tree import Tree


def test_mailcows_folders_are_where_the_plan_and_the_image_have_them() -> None:
    machine = Paths()
    assert (str(machine.root), str(machine.settings), str(machine.source)) == (
        paths.MAILCOW,
        debian.SETTINGS,
        debian.SOURCE,
    )


def test_descriptions_are_read_where_they_are_written(plan: Plan) -> None:
    written = {entry.path for entry in Tree.of(debian.debian(plan, plan.internal).entries)}
    read = [inspect.signature(program.main).parameters["path"].default for program in (setup, provision)]
    assert {*read, backup.CONFIG} <= written
    assert read[1] == units.DESCRIPTION


def test_the_provisioner_needs_just_the_credentials_that_its_unit_gets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (credentials.MAILCOW_API_KEY, credentials.MAILCOW_ADMIN):
        (tmp_path / name).write_text(f"the {name}\n")
    for name in (credentials.MAILCOW_DKIM, credentials.MAILCOW_MAILBOXES):
        (tmp_path / name).write_text(json.dumps({}))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    key, secrets = description.read_secrets()
    assert key == f"the {credentials.MAILCOW_API_KEY}"
    assert secrets.admin == f"the {credentials.MAILCOW_ADMIN}"


def test_the_disk_with_images_has_the_label_that_is_looked_for() -> None:
    device = f"/dev/disk/by-label/{LABEL}"
    assert str(images.LABEL) == device
    assert f"device: {device}\n" in tree()["docker-compose.yml"].decode()
