"""Variance components of a difference that is crossed: clips in subjects, fits in models."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.settings import Settings


class Components(Settings):
    """Standard deviations of a clip's difference of top-1, mean over the masks, in points.

    Attributes:
        subject: of subjects, in all fits.
        subject_by_fit: of what a single fit does to a single subject.
        clip: of the clips of a subject, in all fits.
        clip_by_fit: of what a single fit does to a single clip.
        fit: of the fits (noise seeds) of a model.
        model: of models.
    """

    subject: float = Field(ge=0)
    subject_by_fit: float = Field(ge=0)
    clip: float = Field(ge=0)
    clip_by_fit: float = Field(ge=0)
    fit: float = Field(ge=0)
    model: float = Field(ge=0)


def components_of(
    differences: NDArray[np.float64], groups: Sequence[str], models: Sequence[str]
) -> Components:
    """Estimate the components from the mean squares of a pilot (Henderson 1953, method 1).

    Negative estimates are set to 0. Subjects with other numbers of clips count with the mean
    number.

    Args:
        differences: ``(F, N)`` of each clip under each fit, mean over masks, in [-1, 1].
        groups: N names of subjects.
        models: F names; each must have as many fits as the others.

    Raises:
        ValueError: for fewer than two subjects, two fits of a model, or two clips of a subject.

    Example:
        >>> random = np.random.default_rng(0)
        >>> fit, clip = random.normal(0, 0.02, (20, 1)), random.normal(0, 0.1, (1, 400))
        >>> found = components_of(fit + clip, [str(n % 40) for n in range(400)], ["one"] * 20)
        >>> found.clip > 8, 1 < found.fit < 3, found.subject_by_fit
        (True, True, 0.0)
    """
    of_model, names = pd.factorize(np.asarray(models, object))
    which, subjects = pd.factorize(np.asarray(groups, object))
    fits, clips, many = len(differences), differences.shape[1], len(subjects)
    each = clips / many
    if many < 2 or fits < 2 * len(names) or each < 2:
        raise ValueError(
            "expected at least two subjects, two clips of each and two fits of each model; got"
            f" {many} subjects, {clips} clips and {fits} fits of {len(names)} models"
        )
    counts = np.bincount(which)
    cells = np.stack([np.bincount(which, row) for row in differences]) / counts  # (F, G)
    of_clips, of_subjects = differences.mean(axis=0), cells.mean(axis=0)
    of_fits, mean = cells.mean(axis=1), float(cells.mean())
    of_models = np.array([of_fits[of_model == n].mean() for n in range(len(names))])
    free = many - 1
    rest = differences - cells[:, which] - (of_clips - of_subjects[which])
    both = cells - of_subjects - of_fits[:, None] + mean
    squares = {
        "clip_by_fit": (rest**2).sum() / (fits - 1) / (clips - many),
        "clip": fits * ((of_clips - of_subjects[which]) ** 2).sum() / (clips - many),
        "subject_by_fit": each * (both**2).sum() / (fits - 1) / free,
        "subject": each * fits * ((of_subjects - mean) ** 2).sum() / free,
        "fit": clips * ((of_fits - of_models[of_model]) ** 2).sum() / (fits - len(names)),
        "model": clips * fits / len(names) * float(of_models.var(ddof=1) if len(names) > 1 else 0),
    }
    noise, crossed = squares["clip_by_fit"], squares["subject_by_fit"]
    variances = {
        "subject": (squares["subject"] - crossed - squares["clip"] + noise) / each / fits,
        "subject_by_fit": (crossed - noise) / each,
        "clip": (squares["clip"] - noise) / fits,
        "clip_by_fit": noise,
        "fit": (squares["fit"] - crossed) / clips,
        "model": (squares["model"] - squares["fit"]) / clips / fits * len(names),
    }
    # Rounding may leave 1e-17 of a variance.
    return Components(
        **{key: round(100 * max(0.0, one) ** 0.5, 6) for key, one in variances.items()}
    )
