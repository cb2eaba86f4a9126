"""The fake Mailcow's backup script, beside what Mailcow's writes."""

from __future__ import annotations

import re

from mailnix.lab.fake_mailcow.build import tree
from mailnix.run import run
from mailnix.services.mailcow.guest.backup import SCRIPT
from mailnix.services.mailcow.guest.backups import DATASETS

COMPOSE = tree()["docker-compose.yml"].decode()


def test_it_has_the_words_and_archives_of_mailcows_own() -> None:
    script = tree()[SCRIPT].decode()
    volumes = set(re.findall(r"^  ([a-z]+-vol-1):", COMPOSE, re.MULTILINE))
    packed = {dataset for dataset in DATASETS if dataset.volume in volumes}
    assert {dataset.volume for dataset in DATASETS} - {dataset.volume for dataset in packed} == {"crypt-vol-1"}
    for dataset in packed:
        name = dataset.archive.removeprefix("backup_")
        assert re.search(rf"pack \S+ {dataset.top}( {name})?( ;;&)?$", script, re.MULTILINE), dataset
    assert run(["bash", "-n"], stdin=script.encode(), check=False).stderr == ""
