"""What each measure that is logged means in a sentence, and what a report calls it."""

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

CELL = {
    "top1": Term("top-1, %", "share of clips whose best class is the true one.", share),
    "top5": Term(
        "top-5, %",
        "share of clips whose true class is among the five best; left out with five classes or"
        " fewer.",
        share,
    ),
    "balanced_accuracy": Term(
        "balanced accuracy, %", "mean recall of the classes that have clips.", share
    ),
    "macro_f1": Term(
        "macro F1", "mean F1 (harmonic mean of precision and recall) of the classes; 0 to 1."
    ),
    "confidence": Term(
        "confidence", "mean probability of the answered class, softmax over classes; 0 to 1."
    ),
    "true_class_confidence": Term(
        "confidence in the true class", "mean probability of the true class; 0 to 1."
    ),
    "margin": Term("margin", "mean probability of the best class less the second best; 0 to 1."),
    "entropy": Term(
        "entropy", "mean entropy of the class probabilities over ln C; 0 is sure, 1 knows nothing."
    ),
    "ece": Term(
        "expected calibration error",
        "gap between confidence and accuracy, mean over 15 bins of equal width weighted by clips;"
        " 0 to 1, less is better.",
    ),
    "ece_adaptive": Term("adaptive calibration error", "the same over bins of equally many clips."),
    "brier": Term(
        "Brier score",
        "mean squared distance of the class probabilities from the truth; 0 to 2, less is better.",
    ),
    "nll": Term("log score, nats", "mean −ln of the true class's probability; less is better."),
    "bias/prediction_kl": Term(
        "skew of the answers' histogram, nats",
        "Kullback-Leibler divergence of the answered classes from the classes' frequencies; 0 is"
        " even, more is worse.",
    ),
    "bias/prediction_tv": Term(
        "total variation of the answers",
        "half the sum of the differences between the same two; 0 to 1, more is worse.",
    ),
    "bias/prediction_entropy": Term(
        "entropy of the answers", "of their histogram, over ln C; 1: all classes alike."
    ),
    "bias/overprediction": Term(
        "overprediction", "largest ratio of answers to clips of a class; 1 is even."
    ),
    "bias/recall_sd": Term(
        "standard deviation of recall", "over the classes that have clips; 0: all equal."
    ),
    "bias/amplification": Term(
        "amplified skew, nats",
        "`bias/skew_kl` less that of the clean twin; above 0, mask or noise drive the answers to"
        " fewer classes.",
    ),
    "bias/<attribute>/accuracy_difference": Term(
        "gap between kinds of clips, points",
        "top-1 of the attribute's best value less that of its worst; 0 to 100.",
        share,
    ),
    "bias/<attribute>/accuracy_ratio": Term(
        "ratio between kinds of clips", "the worst value's top-1 over the best's; 1: no gap."
    ),
    "bias/<attribute>/equalised_odds": Term(
        "equalised odds gap",
        "for each class the larger of the gaps in true and false positive rates between the"
        " attribute's values, mean over classes; 0 to 1, more is worse.",
    ),
    "robustness/absolute": Term(
        "absolute robustness", "1 − (A_0 − A_m), accuracy clean and of the cell; 1: nothing lost."
    ),
    "robustness/relative": Term(
        "relative robustness", "1 − (A_0 − A_m) / A_0; 1: nothing lost, 0: all."
    ),
    "flip_rate": Term("flips, %", "share of clips whose answer differs from the twin's.", share),
    "flip_rate/harmful": Term("harmful flips, %", "right in the twin, wrong in the cell.", share),
    "flip_rate/helpful": Term("helpful flips, %", "wrong in the twin, right in the cell.", share),
    "top5_overlap": Term(
        "overlap of the five best, %",
        "mean share of the five best classes that cell and twin have in common.",
        share,
    ),
    "kl_from_clean": Term(
        "divergence from the twin, nats",
        "mean Kullback-Leibler divergence of the cell's class probabilities from the twin's.",
    ),
    "drift": Term(
        "drift", "mean 1 − cos between a clip's embedding and its twin's; 0 to 2, 0: unmoved."
    ),
    "mask/realised_ratio": Term(
        "hidden share, %", "mean share of the frame's pixels that is hidden.", share
    ),
    "mask/realised_ratio_sd": Term(
        "its standard deviation, points", "over clips; 0 for masks of exact area.", share
    ),
    "mask/native_black": Term(
        "black from the start, %",
        "mean share of pixels that are black before any mask, such as letterbox bars.",
        share,
    ),
    "mask/subject_hidden": Term(
        "subject hidden, %",
        "mean share of the subject that is hidden; needs a region source.",
        share,
    ),
    "mask/subject_not_found": Term(
        "subject not found, %", "share of clips in which the region source found none.", share
    ),
    "mask/feature_hidden": Term(
        "target hidden, %", "mean share of the target that the mask is aimed at.", share
    ),
    "mask/feature_frames": Term(
        "frames with the target, %", "share of frames in which it was found.", share
    ),
    "mask/nothing_found": Term(
        "clips without the target, %",
        "share of the decoded clips in which it was not found.",
        share,
    ),
    "attention/mass": Term(
        "attribution inside the subject",
        "share of the gradient-weighted attention that lies on the subject; 0 to 1.",
    ),
    "attention/rank": Term(
        "strongest patches on the subject",
        "share of the K strongest patches that are the subject's, K the number of its patches.",
    ),
    "attention/pointing": Term(
        "pointing game", "share of frames whose strongest patch is the subject's; 0 to 1."
    ),
    "attention/focus": Term(
        "focus", "the subject's share of the attribution over its share of the frame; 1: no focus."
    ),
    "noise/rms": Term(
        "noise, root mean square", "what was really changed, grey levels, mean over clips."
    ),
    "noise/largest": Term("noise, largest change", "of any pixel, grey levels."),
    "noise/steps": Term("steps of learning", "optimiser steps until it stopped.", count),
    "noise/kept_step": Term("step that is kept", "the best on the validation clips.", count),
    "noise/named_on_empty": Term(
        "named on empty frames, %",
        "how often δ_c alone names c on a black, grey or white frame; chance is 1 / C.",
        share,
    ),
    "noise/<variant>/<measure>": Term(
        "a measure under a protocol or control",
        "top1, true_class_confidence, ece, bias/skew_kl, bias/recall_gap, scene/swap_error or"
        " attention/mass of the same clips under `candidate`, `topk`, `predicted`,"
        " `oracle_leaks_the_label`, `random`, `shuffled`, `universal`, `calibration` or, for noise"
        " that is one for all classes, `learned`.",
    ),
    "noise/<variant>/<measure>_difference": Term(
        "the same, less that without noise", "paired by clip; intervals are in noise/effect.csv."
    ),
    "data/clips": Term("clips", "number that the numbers are about.", count),
    "data/failed_clips": Term("failed clips", "could not be decoded; in no number.", count),
    "data/empty_clips": Term(
        "clips without the target", "decoded, but what the mask is aimed at was not found.", count
    ),
    "data/left_out_clips": Term(
        "clips left out", "those of them that are in no number (`region.on_empty=skip`).", count
    ),
    "cost/seconds": Term("seconds", "of the cell."),
    "cost/<part>_seconds": Term(
        "seconds by part",
        "load, decode, regions, mask, model, noise, attention, metrics; they do not overlap.",
    ),
    "cost/clips_per_second": Term("clips per second", "through mask and model."),
    "cost/frames_per_second": Term("frames per second", "through mask and model."),
    "cost/peak_memory_mb": Term("peak memory, MB", "of the process, earlier cells included."),
    "cost/peak_device_memory_mb": Term("peak memory of the accelerator, MB", "with CUDA."),
}
"""What a single cell logs beside `BIAS`; ``<…>`` stands for a name of the user's or of a variant.

A report shows these as columns of its own; here they are told for the documentation.
"""

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
    "noise/<noise>/<variant>/<mask>/<measure>_difference": Term(
        "effect of learned noise",
        "a measure with noise less without, by mask, mean over noise seeds; intervals are in"
        " noise_effects.csv.",
    ),
}


def term(measure: str) -> Term:
    """Return a measure in plain words; one that has none stands for itself."""
    return SWEEP.get(measure) or BIAS.get(measure) or Term(measure, "")


def explained(measures: Iterable[str]) -> list[Term]:
    """Return the terms of measures that have a meaning to tell, each once, in order."""
    terms = [term(measure) for measure in dict.fromkeys(measures)]
    return [one for one in terms if one.meaning]
