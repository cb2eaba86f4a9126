# make demo    both machines and the simulated internet, booted in QEMU, exchanging mail
# make test    everything: linters, unit and property tests, Nix checks, then booted machines
# make nixos   NixOS's layer of the machines, built and booted; NIXPKGS names a nixpkgs tree, MAILNIX_NIXOS=all does all
# make real    what mailnix ships, run against Mailcow's own code; MAILCOW_TREE names a tree of it, and
#              MAILCOW_BEFORE one of an earlier release, to upgrade from
# make bench   measurements, printed as a table

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXAMPLE := docs/examples/two_machines.py
STAMP := $(VENV)/.installed

.PHONY: demo test unit vm nixos real lint bench setup clean

setup: $(STAMP)

$(STAMP): pyproject.toml tools/install.sh
	tools/install.sh $(PYTHON) $(VENV)
	touch $@

demo: setup
	$(BIN)/mailnix lab $(EXAMPLE)

unit: setup
	$(BIN)/pytest tests

vm: setup
	$(BIN)/pytest vm-tests --ignore vm-tests/nixos_layer --mailnix-config $(EXAMPLE)

nixos: setup
	MAILNIX_NIXPKGS=$(abspath $(NIXPKGS)) $(BIN)/pytest vm-tests/nixos_layer --mailnix-config $(EXAMPLE)

real: setup
	MAILNIX_MAILCOW_TREE=$(abspath $(MAILCOW_TREE)) MAILNIX_MAILCOW_BEFORE=$(abspath $(MAILCOW_BEFORE)) $(BIN)/pytest tests/real

test: unit vm

lint: setup
	$(BIN)/pytest tests/test_linters.py

bench: setup
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) build out
