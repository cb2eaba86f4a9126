"""Machines of NixOS: their engine is nixos-rebuild, and a program that is sent along with each call."""
