"""The order of the stages: load → derive → emit → build → lab. The one package that knows it, and its door.

Whatever a stage imports, it imports when it is asked for: who wants a plan waits for no image builder.
"""

from mailnix.pipeline.adopting import adopt, existing
from mailnix.pipeline.booting import lab
from mailnix.pipeline.building import build, images_disk, refuse_images
from mailnix.pipeline.deciding import decided, load, plan, problems, secrets_folder
from mailnix.pipeline.deploying import deploy, rollback
from mailnix.pipeline.doctoring import Changes, doctor
from mailnix.pipeline.emitting import emit, emit_packages, local_folder, modules, trees
from mailnix.pipeline.publishing import guide, published, write_zones

__all__ = [
    "Changes",
    "adopt",
    "build",
    "decided",
    "deploy",
    "doctor",
    "emit",
    "emit_packages",
    "existing",
    "guide",
    "images_disk",
    "lab",
    "load",
    "local_folder",
    "modules",
    "plan",
    "problems",
    "published",
    "refuse_images",
    "rollback",
    "secrets_folder",
    "trees",
    "write_zones",
]
