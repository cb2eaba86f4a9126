"""Disk images: the cached base, the host tree on top, boot loaders, formats, manifest."""
