"""The scenario: what must be true of booted machines, as checks that the lab, pytest and other drivers all run."""

from mailnix.lab.scenario.checks import CHECKS, checks_for, exchanging
from mailnix.lab.scenario.disks import DiskFiles
from mailnix.lab.scenario.evidence import CheckFailed
from mailnix.lab.scenario.runner import Asking, run_check, run_checks
from mailnix.lab.scenario.scene import Guest, OnDisk, Scene
from mailnix.lab.scenario.stage import stage
from mailnix.lab.scenario.values import Check, Group, Outcome, Report, Verdict

__all__ = [
    "CHECKS",
    "Asking",
    "Check",
    "CheckFailed",
    "DiskFiles",
    "Group",
    "Guest",
    "OnDisk",
    "Outcome",
    "Report",
    "Scene",
    "Verdict",
    "checks_for",
    "exchanging",
    "run_check",
    "run_checks",
    "stage",
]
