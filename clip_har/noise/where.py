"""Where noise is added: everywhere, on visible pixels, or before the mask."""

from typing import Literal

Where = Literal["everywhere", "visible", "before"]
"""``everywhere``: added after the mask, also on hidden pixels. ``visible``: added after the mask,
only to the share of each pixel that the mask leaves visible. ``before``: added to the whole frame
before the mask is painted; a fill that is computed from the frame (``mean``, ``blur``,
``surround``) then contains the noise, too. With a fill of one colour the last two are equal."""
