"""What a report calls the measures, and what each means in a sentence."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from clip_har.report.numbers import count, number, points, share


class Term(NamedTuple):
    """A measure in plain words.

    Attributes:
        name: short, with its unit.
        meaning: a sentence with formula, range and direction.
        shown: turns its value into text.
    """

    name: str
    meaning: str
    shown: Callable[[Any], str] = number


BIAS = {
    "bias/skew_kl": Term(
        "skew of the answers, nats",
        "how far the mean of the class probabilities is from the classes' frequencies"
        " (Kullback-Leibler divergence); 0 is even, more is worse.",
    ),
    "bias/never_predicted": Term(
        "classes never answered", "how many classes have clips, but no clip is answered so.", count
    ),
    "bias/recall_gap": Term(
        "recall gap, points",
        "recall (share of a class's clips that is classified correctly) of the best class less"
        " that of the worst; 0 to 100, more is worse.",
        share,
    ),
    "bias/recall_gini": Term(
        "recall, Gini",
        "how unequal the classes' recalls are; 0: all equal, towards 1: a few have it all.",
    ),
    "bias/worst10": Term(
        "recall of the worst tenth, %", "mean recall of the worst tenth of the classes.", share
    ),
    "bias/confusion_asymmetry": Term(
        "one-sided confusions",
        "whether classes are taken for each other both ways (0) or one way only (1): Σ|K_ij − K_ji|"
        " over all errors. With few errors it is near 1 by chance.",
    ),
}

SWEEP = {
    "scene/clean": Term("whole clips, top-1 %", "accuracy on clips as they are.", share),
    "scene/background_only": Term(
        "background only, top-1 %",
        "accuracy with the subject hidden. At chance the room tells nothing; more is more of it.",
        share,
    ),
    "scene/background_ratio": Term(
        "background ratio",
        "accuracy with the subject hidden over that on whole clips (HAT); 0 to about 1, towards 1"
        " the room is enough.",
    ),
    "scene/person_only": Term(
        "person only, top-1 %", "accuracy with everything but the subject hidden.", share
    ),
    "scene/essential_cue": Term(
        "essential cue",
        "accuracy with nothing but the subject over that on whole clips; 1: the subject is enough.",
    ),
    "scene/swap_accuracy": Term(
        "swapped, the subject's class, %",
        "SHAcc: subjects before another class's background that are classified as what they do.",
        share,
    ),
    "scene/swap_error": Term(
        "swapped, the background's class, %",
        "SBErr: the same clips classified as what is usual before that background; more is worse.",
        share,
    ),
    "scene/contrasted_accuracy": Term(
        "contrasted, %",
        "swapped clips that are classified correctly, and otherwise when nothing moves.",
        share,
    ),
    "scene/reliance": Term(
        "reliance on the background, points",
        "accuracy on whole clips less that with the background hidden.",
        points,
    ),
    "scene/subject_reliance": Term(
        "reliance on the subject, points",
        "accuracy on whole clips less that with the subject hidden.",
        points,
    ),
    "robustness/area": Term(
        "area under accuracy, %",
        "mean accuracy over the asked-for hidden shares, the clean one at 0 (trapezoids); 100 is"
        " untouched.",
        share,
    ),
    "robustness/resilience": Term(
        "resilience",
        "mean accuracy of the masked cells over the clean one; 1: nothing is lost.",
    ),
    "robustness/fill_spread": Term(
        "spread over fills, points",
        "largest less smallest accuracy of one mask under several fills: what the paint does.",
        share,
    ),
    "robustness/seed_consistency": Term(
        "agreement of seeds, %",
        "how often two seeds of the same mask give a clip the same answer.",
        share,
    ),
    "robustness/mean_corruption_error": Term(
        "mean corruption error",
        "errors under the masks over those of the base model, mean over masks; 1 is the base"
        " model, less is better.",
    ),
    "seeds/top1_mean": Term("mean top-1 over seeds, %", "of cells that differ in the seed.", share),
    "seeds/top1_sd": Term(
        "standard deviation over seeds, points", "of their top-1, that of a sample.", share
    ),
    "seeds/count": Term("seeds", "their number.", count),
}


def term(measure: str) -> Term:
    """Return a measure in plain words; one that has none stands for itself."""
    return SWEEP.get(measure) or BIAS.get(measure) or Term(measure, "")


def explained(measures: Iterable[str]) -> list[Term]:
    """Return the terms of measures that have a meaning to tell, each once, in order."""
    terms = [term(measure) for measure in dict.fromkeys(measures)]
    return [one for one in terms if one.meaning]
