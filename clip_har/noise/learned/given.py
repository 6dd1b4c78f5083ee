"""The weights of variants that come with the noise of another run."""

import json

from clip_har.core.errors import ClipHarError
from clip_har.core.tensor_file import read_tensors
from clip_har.data.clips import ClipSet
from clip_har.masking.mask import Mask
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.fits import Fits
from clip_har.noise.learned.fitted import digest, refuse_evaluated
from clip_har.noise.learned.identity import given_stacks


def given_fits(noise: Learned, masking: Mask, clips: ClipSet) -> Fits | None:
    """Return the weights beside ``noise.file``; None if they are fitted here.

    Args:
        noise: of the cell; its file was checked.
        masking: the cell's own mask.
        clips: the clips that are evaluated.

    Raises:
        ClipHarError: when they are damaged, of other noise or other settings, or were fitted on
            clips or groups that are evaluated.
    """
    path = given_stacks(noise)
    if path is None or noise.file is None:
        return None
    beside = f"noise.file={noise.file}: the weights beside it ({path.name})"
    take = "take those of its cell, or remove them to fit new ones"
    found = Fits.read(path)
    if found is None:
        raise ClipHarError(f"{beside} are damaged, or an earlier version wrote them; {take}")
    on = found.on
    if on.noise != digest(read_tensors(noise.file.expanduser())[0]):
        raise ClipHarError(f"{beside} were fitted for other noise; {take}")
    if on.masks != noise.fits_under:
        raise ClipHarError(
            f"{beside} were fitted under other masks: expected noise.fit_masking={on.masks}, got"
            f" {noise.fits_under}; set it so, or remove them to fit new ones"
        )
    if on.masking not in (None, masking.described()):
        raise ClipHarError(
            f"{beside} were fitted under another mask (noise.fit_masking=same): expected"
            f" {json.dumps(on.masking)}, got {json.dumps(masking.described())}; {take}"
        )
    for arm in noise.arms:
        if tuple(on.features.get(arm.name, ())) != arm.features or found.top_k != noise.used_parts:
            raise ClipHarError(
                f"{beside} are of another noise.protocol, noise.top_k or noise.gate, or of an"
                f" earlier version: no weights for {arm.name} as it is here; use the settings of"
                " their cell, or remove them to fit new ones"
            )
    refuse_evaluated(f"{beside} were fitted on", on.clips, on.groups, clips)
    return found
