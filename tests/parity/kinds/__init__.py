"""A file a kind of fact: what is asked for, and how the answer becomes values that are the same on the same machine."""
