"""The lab: every machine and the simulated internet, booted in QEMU, exchanging mail."""
