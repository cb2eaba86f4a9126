"""Every measurement that mailnix promises a bound for, as one table: `make bench`, or `run.py --only start,plan`.

Figures are medians over several runs on the machine it runs on; the bound stands beside each. Nothing here fails for
being slow: it is read by people.
"""

from __future__ import annotations

import argparse
import json
import runpy
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from attrs import frozen

from mailnix import Domain, Internal, Mailbox, Proxy, Topology
from mailnix.run import run

EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "two_machines.py"
MAILNIX = Path(sys.executable).with_name("mailnix")


@frozen
class Row:
    """One measured figure, and what was promised of it."""

    what: str
    figure: str
    bound: str


def seconds(work: Callable[[], object], runs: int = 5, clock: Callable[[], float] = time.perf_counter) -> float:
    """Median seconds of a piece of work; wall-clock ones, unless by another clock."""
    times = []
    for _ in range(runs):
        begin = clock()
        work()
        times.append(clock() - begin)
    return statistics.median(times)


def computed(work: Callable[[], object], runs: int = 3) -> float:
    """Median processor seconds: those of what waits for nothing, whatever else the machine does."""
    return seconds(work, runs, time.process_time)


def topology(domains: int, mailboxes: int = 10) -> Topology:
    """A large description."""
    boxes = [Mailbox(f"person{n}") for n in range(mailboxes)]
    return Topology(
        hostname="mail.example.org",
        proxies=[Proxy("proxy", ipv4="203.0.113.10", sealed=True)],
        internal=Internal("internal", sealed=True),
        domains=[Domain(f"domain{n}.example", mailboxes=boxes) for n in range(domains)],
    )


def start() -> Iterator[Row]:
    """How long the command line takes to answer."""
    yield Row("mailnix --help", f"{seconds(lambda: run([MAILNIX, '--help'])):.2f} s", "0.3 s")


def plan() -> Iterator[Row]:
    """Checking and planning, small and large; the ratio shows whether it grows in step."""
    from mailnix.model.check import ensure
    from mailnix.plan import derive

    def work(value: Topology) -> None:
        ensure(value, "benchmark")
        derive(value)

    times = {n: computed(partial(work, topology(n))) for n in (100, 1000)}
    yield Row("check + plan, 1,000 domains x 10 mailboxes", f"{times[1000]:.2f} s", "1 s")
    yield Row("  ratio to 100 domains (linear: 10)", f"{times[1000] / times[100]:.1f}", "about 10")


def emit() -> Iterator[Row]:
    """What is emitted for the example and for a large description."""
    from mailnix.formats.backend import Backend
    from mailnix.pipeline import trees
    from mailnix.plan import derive

    small = derive(runpy.run_path(str(EXAMPLE))["topology"])
    large = derive(topology(1000))
    for backend in Backend:
        yield Row(f"emit --backend {backend}", f"{computed(partial(trees, small, backend)):.2f} s", "0.5 s")
        yield Row("  1,000 domains x 10 mailboxes", f"{computed(partial(trees, large, backend)):.2f} s", "3 s")


def image() -> Iterator[Row]:
    """A cold image beside a bare mmdebstrap of the same packages, and a rebuild after a change of the description."""
    from mailnix.image import build_image
    from mailnix.image.bootstrap import SUITE
    from mailnix.image.hosts import host_builds
    from mailnix.image.values import Format
    from mailnix.plan import derive

    builds = host_builds(derive(runpy.run_path(str(EXAMPLE))["topology"]))
    proxy = builds[0]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        packages = ",".join((*proxy.base.packages, proxy.base.kernel))
        argv = ["mmdebstrap", "--variant=apt", f"--include={packages}", SUITE, str(work / "bare.tar")]
        bare = seconds(lambda: run(argv, env={"DEBIAN_FRONTEND": "noninteractive"}, timeout=3600), runs=1)
        cold = seconds(lambda: build_image(proxy, work / "cold", Format.RAW, cache=work / "cache"), runs=1)
        yield Row("bare mmdebstrap of the proxy's packages", f"{bare:.0f} s", "")
        yield Row("cold proxy image", f"{cold:.0f} s ({cold / bare:.2f} x)", "1.3 x")
        for build in builds:
            build_image(build, work / "warm", Format.RAW)
        again = seconds(lambda: [build_image(b, work / "warm", Format.RAW) for b in builds], runs=3)
        yield Row("both images again, base cached", f"{again:.1f} s", "10 s")


def lab() -> Iterator[Row]:
    """From built images to all mail exchanged, and again from the state that the first run saved on its way."""
    with tempfile.TemporaryDirectory() as home:
        argv: list[str | Path] = [MAILNIX, "lab", EXAMPLE, "--json", "--resume", "--state-dir", home]
        for what, ready, exchanged in (("from built images", "", "300 s"), ("from a saved state", "30 s", "")):
            ended = run(argv, timeout=3600, check=False, on_line=lambda line: print(line, file=sys.stderr))
            found = json.loads(ended.stdout)
            seconds, passed = found["seconds"], [each["verdict"] == "pass" for each in found["outcomes"]]
            yield Row(f"mailnix lab {what}: mail can flow", f"{seconds['ready']:.0f} s", ready)
            yield Row("  all mail exchanged", f"{seconds['exchanged']:.0f} s", exchanged)
            yield Row(f"  everything, {sum(passed)} of {len(passed)} checks passed", f"{seconds['total']:.0f} s", "")


def mail() -> Iterator[Row]:
    """The mail path without machines, plain and with TLS to Postfix; each prints its own table."""
    for what, options in (("mail path", []), ("mail path, STARTTLS to Postfix", ["--tls"])):
        print(run([sys.executable, Path(__file__).with_name("mail_path.py"), *options]).stdout)
        yield Row(what, "see its table", "5 x stock Haraka in one session, never slower")


def floods() -> Iterator[Row]:
    """A newcomer while others flood haraka-in, beside Postfix; prints its own table."""
    print(run([sys.executable, Path(__file__).with_name("floods.py")], timeout=300).stdout)
    yield Row("floods: a newcomer is greeted, memory", "see its table", "p95 2 s, 200 MiB")


def outgoing() -> Iterator[Row]:
    """haraka-out's queue beside Postfix's, and a healthy receiver among bad ones; each prints its own lines."""
    script = Path(__file__).with_name("outgoing.py")
    print(run([sys.executable, script], timeout=1800).stdout)
    yield Row("a queue of 1,500 mails", "see its lines", "0.5 x Postfix")
    print(run([sys.executable, script, "--busy"], timeout=600).stdout)
    yield Row("a healthy receiver among bad ones", "see its line", "5 s")


def provision() -> Iterator[Row]:
    """Mailboxes made in Mailcow's own code, where a tree of it is given; prints its own table."""
    script = Path(__file__).with_name("provisioning.py")
    print(run([sys.executable, script], timeout=7200, check=False).stdout)
    yield Row("1,000 mailboxes in Mailcow's own code", "see its table", "0.5 processor s for each")


SECTIONS = {each.__name__: each for each in (start, plan, emit, image, lab, mail, floods, outgoing, provision)}


def main() -> None:
    """Run the sections asked for and print each row as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"sections, of: {', '.join(SECTIONS)}")
    for name in parser.parse_args().only.split(","):
        for row in SECTIONS[name]():
            print(f"{row.what:<48} {row.figure:>16}   {row.bound}", flush=True)


if __name__ == "__main__":
    main()
