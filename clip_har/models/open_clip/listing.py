"""What open_clip's table offers: size, licence, and what works here, without the weights."""

import re
from dataclasses import dataclass
from functools import lru_cache

from clip_har.models.open_clip.image_tower import attending
from clip_har.models.open_clip.library import Tag, architecture_config, hub_place
from clip_har.models.open_clip.network import image_tower, skeleton
from clip_har.models.sizes import known_sizes

# As the models' cards name them, by the repository on the hub. Where we found none, or two that
# differ (OpenAI's, DFN's, CLIPA, NLLB), the card must be read.
_LICENCES = {
    r"laion/.*": "MIT",
    r"jienengchen/ViTamin.*": "MIT",
    r"timm/eva(_giant|02).*": "MIT",
    r"timm/ViT-.*SigLIP.*": "Apache-2.0",
    r"timm/PE-Core.*": "Apache-2.0",
    r"timm/.*metaclip.*": "CC-BY-NC-4.0",
    r"(apple|timm)/MobileCLIP.*": "Apple AMLR",
    r"google/(siglip2|videoprism).*": "Apache-2.0",
    r"facebook/metaclip.*": "CC-BY-NC-4.0",
    r"tiny": "Apache-2.0",
}


@dataclass(frozen=True)
class Listed:
    """A model that can be evaluated.

    Attributes:
        checkpoint: as ``model.checkpoint`` takes it.
        option: of the ``model`` group.
        image_size: side of the input, pixels; None if only its files say it.
        parameters: of both towers; None if only its files say it.
        licence: of the weights; None if it is not known here.
        gradients: whether a score has a gradient in the pixels.
        learned_noise: whether noise can be learned for it.
        attribution: whether ``region=relevance`` and the attention measures work.
        repository: on the hub.
    """

    checkpoint: str
    option: str
    image_size: int | None
    parameters: int | None
    licence: str | None
    gradients: bool
    learned_noise: bool
    attribution: bool
    repository: str


def listed(tag: Tag, option: str) -> Listed:
    """Describe weights of the library's table, without the weights.

    Args:
        tag: the weights.
        option: of the ``model`` group that names them.
    """
    repository, _ = hub_place(tag)
    name = tag.architecture
    parameters, attribution = _shape(name)
    return Listed(
        checkpoint=str(tag),
        option=option,
        image_size=_side(architecture_config(name)["vision_cfg"]["image_size"]),
        parameters=parameters,
        licence=licence_of(repository),
        gradients=True,
        learned_noise=True,
        attribution=attribution,
        repository=repository,
    )


def licence_of(repository: str) -> str | None:
    """Return the licence of the weights of a repository on the hub; None if it is not known here.

    Example:
        >>> licence_of("timm/PE-Core-B-16"), licence_of("owner/name")
        ('Apache-2.0', None)
    """
    found = (one for pattern, one in _LICENCES.items() if re.fullmatch(pattern, repository))
    return next(found, None)


def _shape(architecture: str) -> tuple[int | None, bool]:
    known = known_sizes().get(architecture)
    if known is None or known.class_token is None:
        return built_shape(architecture)
    return known.parameters, known.class_token


@lru_cache(maxsize=256)
def built_shape(architecture: str) -> tuple[int | None, bool]:
    """Return the parameters of a model, and whether a class token of its image tower attends.

    Args:
        architecture: of open_clip's table; it is built without memory for its weights.
    """
    if "hf_model_name" in architecture_config(architecture)["text_cfg"]:  # described on the hub
        return None, attending(image_tower(architecture)) is not None
    made = skeleton(architecture, {})
    numbers = sum(weight.numel() for weight in made.parameters())
    return numbers, attending(made.visual) is not None


def _side(size: int | list[int]) -> int:
    return size if isinstance(size, int) else size[0]
