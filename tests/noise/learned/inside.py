"""The share of an attribution inside the subject."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from clip_har.engine.attribution import covered
from clip_har.metrics.attention import mass


def mass_inside(attribution: Tensor, subject: NDArray[np.float32]) -> float:
    return mass(attribution.numpy(), covered(subject, attribution.shape[-1]))
