"""The evaluated model's own attribution for a class or a text, as a region."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.regions.prompted import soft_mask_of
from clip_har.regions.source import BACKGROUND, SUBJECT, Estimate, Locator, RegionSettings

if TYPE_CHECKING:
    from torch import Tensor

    from clip_har.models.zero_shot import ZeroShot

_STEPS = 255  # the same as in stored region maps
_LEAST = 1e-5  # smaller variations, as a share of the strongest attribution, are rounding


class RelevanceRegion(RegionSettings):
    """Find a target by the attribution of the cell's own model, see `clip_har.models.attribution`.

    ``subject`` is the attribution for the class of the clip and ``background`` the rest. Any other
    text is a prompt: feature="a person waving" is the attribution for that text.

    It shows what the model looks at, not where the actor is: the attribution for a class may lie on
    the room. It is as coarse as the model's patches and seldom covers a whole body. On the rendered
    clips 10 % of the pixels of a clip have at least a fifth of its strongest attribution (the
    default threshold), and 1 % have at least half of it. To hide more or less, set ``ratio``.

    Attributes:
        attribution: for which class: the one ``predicted`` from the unmasked clip, or its true
            ``label``. The latter is for analysis only, because masks then depend on the label.
        first_layer: of the vision tower whose attention counts, with all later ones: 0 for all of
            them (the paper), negative from the end: -1 for the last one (the authors' choice for
            CLIP ViT-B/32). For the tiny CLIP, all layers explain the prediction better: of 40 clips
            25 % kept their prediction when the 5 of 49 patches with most attribution turned grey,
            and 62 % with only the 29 best patches left; with the last layer alone 35 % and 35 %.
        threshold: a pixel is inside from this share of the clip's strongest attribution on.
        min_frames: 0: the attribution for a class may lie in a few frames.
    """

    attribution: Literal["predicted", "label"] = "predicted"
    first_layer: int = 0
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.2
    min_frames: Annotated[float, Field(ge=0, le=1)] = 0.0

    finds_regions: ClassVar[bool] = True
    exact: ClassVar[bool] = False
    person_is_subject: ClassVar[bool] = False
    asks_model: ClassVar[bool] = True

    def check(self, target: str) -> None:
        """Raise `ClipHarError` for an empty text."""
        if not target.strip():
            raise ClipHarError(
                "feature is empty: region=relevance needs subject, background, or a text to find"
                " the attribution for, such as feature='a person waving'"
            )

    def uses_label(self, target: str) -> bool:
        """Return whether the attribution is for the true class."""
        return self.attribution == "label" and target in (SUBJECT, BACKGROUND)

    def identity(self, clips: ClipSet) -> str:  # noqa: ARG002
        """Return an empty text: only the cell's model and classes decide the maps."""
        return ""

    def locator(self, zero_shot: "Callable[[], ZeroShot]") -> Locator:
        """Return the function that computes the attribution of the cell's model, clip by clip."""
        asked = zero_shot()

        def locate(clips: Sequence[ClipFrames], target: str) -> list[Estimate]:
            self.check(target)
            of_class = target in (SUBJECT, BACKGROUND)
            text = None if of_class else asked.model.encode_texts([target])[0]
            maps = [Estimate.sure(self._soft_mask(asked, clip, text)) for clip in clips]
            return [found.of(target) for found in maps]

        return locate

    def _soft_mask(
        self, zero_shot: "ZeroShot", clip: ClipFrames, text: "Tensor | None"
    ) -> NDArray[np.float32]:
        import torch

        from clip_har.models.attribution import clip_attribution, embed_clip

        frames = torch.from_numpy(np.array(clip.pixels))  # (T, 3, S, S)
        embeddings = embed_clip(zero_shot.model, frames)
        if text is None:
            text = self._class_embedding(zero_shot, embeddings, clip.clip.label)
        found = clip_attribution(
            zero_shot.model,
            frames,
            text,
            embeddings,
            pooling=zero_shot.pooling,
            first_layer=self.first_layer,
        )
        return soft_mask_of(spread(found.numpy(), frames.shape[-1]), self.threshold)

    def _class_embedding(self, zero_shot: "ZeroShot", embeddings: "Tensor", label: int) -> "Tensor":
        from clip_har.models.pooling import clip_scores

        if self.attribution == "label":
            return zero_shot.class_embeddings[label]
        scores = clip_scores(
            embeddings,
            [len(embeddings)],
            zero_shot.class_embeddings,
            logit_scale=zero_shot.model.logit_scale,
            pooling=zero_shot.pooling,
        )
        return zero_shot.class_embeddings[scores[0].argmax()]


def spread(attribution: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Scale a clip's attribution to [0, 1] and spread it from patches to pixels.

    The strongest of all patches in all frames becomes 1, so that frames stay comparable. The
    minimum is not subtracted (the authors do it for their pictures): otherwise a model with random
    weights, whose attribution is about the same everywhere, would seem to look at the person.

    Patches are rounded to steps of 1/255 first, so that rounding errors of the model do not decide
    which pixels a mask hides.

    Args:
        attribution: ``(T, g, g)``, at least 0.
        size: edge of the frames, pixels.

    Returns:
        ``(T, size, size)`` in [0, 1], by bilinear interpolation between the patches' centres; all
        zero if no patch stands out.

    Example:
        >>> spread(np.array([[[4, 0], [0, 0]]], np.float32), 4)[0].round(2)
        array([[1.  , 0.75, 0.25, 0.  ],
               [0.75, 0.56, 0.19, 0.  ],
               [0.25, 0.19, 0.06, 0.  ],
               [0.  , 0.  , 0.  , 0.  ]], dtype=float32)
    """
    import torch
    from torch.nn.functional import interpolate

    low, high = float(attribution.min()), float(attribution.max())
    if high - low <= _LEAST * high:
        return np.zeros((len(attribution), size, size), np.float32)
    steps = np.rint(attribution / high * _STEPS) / np.float32(_STEPS)
    patches = torch.from_numpy(steps.astype(np.float32)).unsqueeze(1)  # (T, 1, g, g)
    pixels = interpolate(patches, size=(size, size), mode="bilinear", align_corners=False)
    spread_out: NDArray[np.float32] = pixels.squeeze(1).clamp(0, 1).numpy()
    return spread_out
