"""Disk images: the cached base, the host tree on top, boot loaders, formats, manifest.

`build_images` is the door; `build_base` makes the base alone, `make_labelled_disk` the small disks that carry
credentials or container images to a machine.
"""

from mailnix.image.base import build_base
from mailnix.image.cache import Base, cache_dir
from mailnix.image.disk import build_image, build_images
from mailnix.image.formats import parse_format
from mailnix.image.manifest import Manifest, ManifestEntry, read_manifest
from mailnix.image.seeddisk import make_labelled_disk
from mailnix.image.values import BaseSpec, ExtraTree, Format, HostBuild, Progress

__all__ = [
    "Base",
    "BaseSpec",
    "ExtraTree",
    "Format",
    "HostBuild",
    "Manifest",
    "ManifestEntry",
    "Progress",
    "build_base",
    "build_image",
    "build_images",
    "cache_dir",
    "make_labelled_disk",
    "parse_format",
    "read_manifest",
]
