"""Captions: sentences whose facts about action, scene and object are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clip_har.prompts.spelling import spaced
from clip_har.synthetic import ACTIONS, SCENES, scene_phrase

STUDIO = len(SCENES)
"""The scene number of a figure on a plain background."""

ANY = -1
"""A caption's fact that the caption does not mention, or the object of a clip that has none."""

OBJECTS = tuple(sorted({action.object for action in ACTIONS if action.object}))
_NAMES = tuple(spaced(action.name) for action in ACTIONS)
_PLACES = (*(scene_phrase(scene) for scene in SCENES), "in front of a plain wall")
_OBJECT_OF = tuple(OBJECTS.index(a.object) if a.object else ANY for a in ACTIONS)

_OWN = ("a person {}.", "someone {}", "{}", "a video of a person who is {}.")
_PLACED = ("a person {} {}.", "someone {} {}", "a photo of a person {} {}.")
_SCENES = ("a person {}.", "a photo taken {}.", "{}")
_OBJECTS = ("a person with a {}.", "a photo of a {}.", "a {}")


@dataclass(frozen=True)
class Facts:
    """What is true of a clip, or said in a caption.

    Attributes:
        action: class number.
        scene: number in `SCENES`, or `STUDIO`.
        object: number in `OBJECTS`.
    """

    action: int = ANY
    scene: int = ANY
    object: int = ANY


def clip_facts(action: int, scene: int) -> Facts:
    """Return all that is true of a clip.

    Args:
        action: class number.
        scene: number in `SCENES`, or `STUDIO`.
    """
    return Facts(action, scene, _OBJECT_OF[action])


@dataclass(frozen=True)
class CaptionShares:
    """How often a caption has which content; the rest names only the action, in other words.

    Attributes:
        prompt: the class name in one of the prompt templates.
        placed: action and scene.
        scene: the scene only.
        object: the object only, if there is one.
    """

    prompt: float = 0.45
    placed: float = 0.2
    scene: float = 0.1
    object: float = 0.05


def sample_caption(
    facts: Facts, templates: Sequence[str], shares: CaptionShares, rng: np.random.Generator
) -> tuple[str, Facts]:
    """Sample a caption of a clip.

    Args:
        facts: of the clip.
        templates: prompt templates with ``{}`` in place of the class name.
        shares: how often each kind is sampled.
        rng: source of the random choices.

    Returns:
        The sentence and the facts it mentions.
    """

    def one(options: Sequence[str]) -> str:
        return options[int(rng.integers(len(options)))]

    phrase = ACTIONS[facts.action].phrase
    kind = rng.random()
    if kind < shares.prompt:
        return one(templates).replace("{}", _NAMES[facts.action]), Facts(facts.action)
    kind -= shares.prompt
    if kind < shares.placed:
        text = one(_PLACED).format(phrase, _PLACES[facts.scene])
        return text, Facts(facts.action, facts.scene)
    kind -= shares.placed
    if kind < shares.scene:
        return one(_SCENES).format(_PLACES[facts.scene]), Facts(scene=facts.scene)
    kind -= shares.scene
    if kind < shares.object and facts.object != ANY:
        return one(_OBJECTS).format(OBJECTS[facts.object]), Facts(object=facts.object)
    return one(_OWN).format(phrase), Facts(facts.action)


def class_prompts(template: str) -> list[tuple[str, Facts]]:
    """Return the prompt of each class, as zero-shot classification asks, with its fact."""
    return [(template.replace("{}", name), Facts(k)) for k, name in enumerate(_NAMES)]


def matches(clips: Sequence[Facts], captions: Sequence[Facts]) -> Tensor:
    """Say which captions are true of which clips.

    Args:
        clips: facts of B clips.
        captions: facts of N captions; what they do not mention may be anything.

    Returns:
        ``(B, N)`` bool.

    Example:
        >>> matches([clip_facts(0, 3), clip_facts(1, 3)], [Facts(scene=3), Facts(0, 3)]).tolist()
        [[True, True], [True, False]]
    """
    true = torch.tensor([(f.action, f.scene, f.object) for f in clips])[:, None]  # (B, 1, 3)
    said = torch.tensor([(f.action, f.scene, f.object) for f in captions])[None]  # (1, N, 3)
    return ((said == ANY) | (said == true)).all(dim=2)


def all_texts(templates: Sequence[str]) -> list[str]:
    """Return texts with every word that a caption or a prompt can contain.

    Args:
        templates: prompt templates.
    """
    frames = (*templates, *_OWN, *_PLACED, *_SCENES, *_OBJECTS)
    phrases = (action.phrase for action in ACTIONS)
    return [*(frame.replace("{}", " ") for frame in frames), *_NAMES, *phrases, *_PLACES, *OBJECTS]
