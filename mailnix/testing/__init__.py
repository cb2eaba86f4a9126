"""The testing kit: booted machines as pytest fixtures and pytest-testinfra hosts (public API).

- `mailnix.testing.plugin`: the fixtures `lab`, `hosts`, `proxy`, `proxies`, `internal`, `internet`; pytest loads it.
- `mailnix.testing.backend`: `host_of(machine)`, a testinfra Host for any machine; `put` and `get` for files.
- `mailnix.testing.labs`: what a lab must offer, for suites that start machines of their own.
- `mailnix.lab.machine.Machine`: the machine itself: `wait_for_unit`, `succeed`, `kill`, `start` and the rest.

Importing this package imports none of them: pytest loads the plugin in every run.
"""
