"""The texts and values in which services speak to both systems: Nix and ini, and one service's share of a machine."""
