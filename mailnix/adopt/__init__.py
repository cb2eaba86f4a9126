"""Read an existing Mailcow, and write the description that fits it.

`existing` is what was read, by `https` (its API) or by `ssh` (its database); `fit` makes mail domains of it, and
`sound` leaves out what a description cannot have, with the reason. What has no place in a description is a note.
"""

from mailnix.adopt.existing import DkimKey, Existing
from mailnix.adopt.write import Adopted, adopted

__all__ = ["Adopted", "DkimKey", "Existing", "adopted"]
