"""Emulated places: the networks of providers and homes around one proxy and one machine at home, swapped under them."""
