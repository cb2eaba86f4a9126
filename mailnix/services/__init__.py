"""Services: a folder each, with what it needs, its templates, and its NixOS and Debian placement."""
