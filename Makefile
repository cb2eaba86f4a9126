# make demo    both machines and the simulated internet, booted in QEMU, exchanging mail
# make test    everything: linters, unit and property tests, Nix checks, then booted machines
# make nixos   NixOS's layer of the machines of CONFIG, built and booted; NIXPKGS names a nixpkgs tree,
#              MAILNIX_NIXOS=all adds a second generation and machines of others' making
# make hardware  a proxy's image on each machine of a table: cards, disks, firmware, formats; media that install it; the
#              page for rescue systems, followed on servers; and machines of libvirt's, where that is installed. Nothing
#              else starts these. MAILNIX_ARM64=all adds a proxy and a machine at home with arm64, whose images are made
#              and booted by emulation
# make servers  plain Debian servers, in containers and in QEMU, become the machines by `mailnix deploy` and live on
# make real    what mailnix ships, run against Mailcow's own code; MAILCOW_TREE names a tree of it, and
#              MAILCOW_BEFORE one of an earlier release, to upgrade from
# make bench   measurements, printed as a table

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXAMPLE := docs/examples/two_machines.py
CONFIG ?= $(EXAMPLE)
NIXPKGS ?= $(MAILNIX_NIXPKGS)
STAMP := $(VENV)/.installed
HARDWARE := hardware arm64_home installer rescue libvirt
# CI has 90 minutes: who spends them is told.
SLOWEST := --durations 20 --durations-min 10

.PHONY: demo test unit bases vm nixos hardware servers real lint bench setup clean

setup: $(STAMP)

$(STAMP): pyproject.toml tools/install.sh
	tools/install.sh $(PYTHON) $(VENV)
	touch $@

demo: setup
	$(BIN)/mailnix lab $(EXAMPLE)

# A file is one worker's, for its tests share what they start; the longest begin (tests/conftest.py).
unit: setup
	MAILNIX_SERVERS=$(or $(MAILNIX_SERVERS),containers) $(BIN)/pytest tests --numprocesses auto --dist loadfile \
		--no-loadscope-reorder $(SLOWEST)

vm: setup
	$(BIN)/pytest vm-tests --ignore vm-tests/nixos_layer --ignore vm-tests/servers --mailnix-config $(EXAMPLE) $(SLOWEST)

nixos: setup
	@test -d "$(NIXPKGS)/pkgs" || { echo "NIXPKGS='$(NIXPKGS)' is no nixpkgs tree: make nixos NIXPKGS=DIR" >&2; exit 1; }
	MAILNIX_NIXPKGS=$(abspath $(NIXPKGS)) $(BIN)/pytest vm-tests/nixos_layer --mailnix-config $(CONFIG)

hardware: setup
	MAILNIX_HARDWARE=all $(BIN)/pytest $(addprefix vm-tests/test_,$(addsuffix .py,$(HARDWARE))) --mailnix-config $(EXAMPLE)

servers: setup
	MAILNIX_SERVERS=all $(BIN)/pytest tests/deploy tests/debian tests/services/generations
	MAILNIX_SERVERS=all $(BIN)/pytest vm-tests/servers --mailnix-config $(EXAMPLE)

real: setup
	@test -d "$(MAILCOW_TREE)/data" || { echo "MAILCOW_TREE='$(MAILCOW_TREE)' is no Mailcow tree: make real MAILCOW_TREE=DIR" >&2; exit 1; }
	MAILNIX_MAILCOW_TREE=$(abspath $(MAILCOW_TREE)) MAILNIX_MAILCOW_BEFORE=$(abspath $(MAILCOW_BEFORE)) $(BIN)/pytest tests/real

# The machines' bases are made meanwhile, behind the tests.
test: setup
	$(MAKE) --jobs 2 unit bases
	$(MAKE) vm $(if $(NIXPKGS),nixos)

bases: setup
	nice -n 19 $(BIN)/python -m rig.bases $(EXAMPLE)

lint: setup
	$(BIN)/pytest tests/test_linters.py

bench: setup
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) build out
