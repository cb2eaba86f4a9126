"""The router's scripts run to their end, from each place to the next, in network namespaces of this machine.

The programs that they start are not here, and end at once; mounts and interfaces are this test's own.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mailnix.lab.places import build, ground, outside, router
from mailnix.lab.places.catalogue import PLACES
from mailnix.lab.places.events import EVENTS
from mailnix.lab.places.place import HOME, PROXY
from mailnix.run import run

TOOLS = ("unshare", "ip", "nft", "mount", "sysctl")
MACS = {PROXY: ("02:00:00:00:00:01", "02:00:00:00:00:02"), HOME: ("02:00:00:00:00:03", "02:00:00:00:00:04")}
STAGE = f"""\
set -e
mount --make-rprivate /
mount -t sysfs sysfs /sys
for folder in /run/netns {outside.RUN} {outside.FOLDER}; do mkdir -p $folder; mount -t tmpfs none $folder; done
for number in 1 2 3 4; do ip link add c$number address 02:00:00:00:00:0$number type veth peer name d$number; done
printf 'net.ipv4.ip_forward = 1\\n' >{outside.FOLDER}/forward.conf
for script in "$@"; do sh "$script" || {{ echo "$script"; exit 1; }}; done
ls {outside.RUN}
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason="needs ip and nft")
def test_every_script_runs_to_its_end(tmp_path: Path) -> None:
    # A dummy's module may be missing here; signing needs BIND.
    setup = router.setup(MACS).replace("type dummy", "type bridge").replace(f"{router.SIGN} ", "true ")
    far = ground.macs(build.far_nics)
    steps = [setup, *(router.swap(place, far) for place in PLACES)]
    for event in EVENTS:
        steps += [router.swap(event.place, far), event.script.replace(router.names_changed(), "true")]
    scripts = [tmp_path / f"{number:03}.sh" for number in range(len(steps))]
    for script, text in zip(scripts, steps, strict=True):
        script.write_text(text)
    done = run(["unshare", "-nm", "sh", "-c", STAGE, "sh", *scripts], check=False)
    assert done.status == 0, done.stdout[-500:] + done.stderr
    for started in ("names.pid", "mail.pid", "proxy-p0.pid", "home-h0.pid", "home-h0-dhcp.pid"):
        assert started in done.stdout.split()
