"""Where noise goes: over the mask, beside it or under it."""

from typing import Literal

Where = Literal["everywhere", "visible", "before"]
"""``everywhere``: added after the mask, on hidden pixels too, as a camera or a program would that
gets the masked picture. ``visible``: added after the mask, only to the share of each pixel that
the mask leaves visible. ``before``: added to the whole frame, then the mask is painted over it,
as if the noise were part of the room; paint that is made from the frame (``mean``, ``blur``,
``surround``) then holds it, too. With paint of one colour the last two are the same picture."""
