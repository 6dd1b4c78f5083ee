"""The one table of measures.

Everything that is logged is declared here once. What a cell logs, MLflow's names, the columns of
the terminal, the words of the report and the documentation's page of measures come from here. A new
measure is a function in `clip_har.metrics` and an entry here; see `Measure` for the fields. The
entries about confidence are in `clip_har.metrics.measures_of_confidence`, those that compare models
in `clip_har.metrics.measures_of_models`, those that compare domains in
`clip_har.metrics.measures_of_domains`, those about protocols of papers in
`clip_har.metrics.measures_of_protocols`.
"""

from math import inf

from clip_har.metrics import (
    accuracy,
    attention,
    attributes,
    chance,
    detection,
    effect,
    inputs,
    pooled,
    prediction_bias,
    regression,
    robustness,
    scene,
)
from clip_har.metrics.measure import Measure, Place
from clip_har.metrics.measures_of_confidence import CALIBRATION, SELECTIVE
from clip_har.metrics.measures_of_domains import DOMAINS
from clip_har.metrics.measures_of_models import MODELS
from clip_har.metrics.measures_of_protocols import HALF_CLASSES, PROBES, SPLITS
from clip_har.results.costs import Cost

_TERMINAL: tuple[Place, ...] = ("terminal",)
_HIDDEN: tuple[Place, ...] = ("report: mask",)
_BIAS: tuple[Place, ...] = ("report: bias",)
_SWEEP: tuple[Place, ...] = ("report: sweep",)
_ONE, _ANY, _REAL = (0, 1), (0, inf), (-inf, inf)  # ranges

# fmt: off
_ACCURACY = (
    Measure("top1", "top-1", "%", "higher", _ONE, accuracy.top1,
        "Share of clips whose best class is the true one.", places=_TERMINAL),
    Measure("top1_clean", "top-1 of the clean twin", "%", "higher", _ONE, robustness.robustness,
        "Top-1 of the clean twin, over the clips that cell and twin both show.", places=_TERMINAL),
    Measure("top5", "top-5", "%", "higher", _ONE, accuracy.top5,
        "Share of clips whose true class is among the five best. Left out with five classes or"
        " fewer.", places=_TERMINAL),
    Measure("balanced_accuracy", "balanced accuracy", "%", "higher", _ONE,
        accuracy.balanced_accuracy, "Mean recall of the classes that have clips.",
        places=_TERMINAL),
    Measure("macro_f1", "macro F1", "number", "higher", _ONE, accuracy.macro_f1,
        "Mean F1 (harmonic mean of precision and recall) of the classes that have clips.",
        places=_TERMINAL),
)
_ROBUSTNESS = (
    Measure("robustness/absolute", "absolute robustness", "number", "higher", (0, 2),
        robustness.robustness,
        "1 − (A_0 − A_m), with the accuracy A_0 of the clean twin and A_m of the cell. At 1 nothing"
        " is lost."),
    Measure("robustness/relative", "relative robustness", "number", "higher", _ANY,
        robustness.robustness, "1 − (A_0 − A_m) / A_0. At 1 nothing is lost, at 0 everything."),
    Measure("robustness/above_chance", "accuracy above chance that is left", "number", "higher",
        _REAL, robustness.robustness,
        "(A_m − 1/C) / (A_0 − 1/C). At 1 nothing is lost, at 0 the cell is at chance."),
    Measure("flip_rate", "flips", "%", "lower", _ONE, robustness.robustness,
        "Share of clips whose prediction differs from that of the clean twin."),
    Measure("flip_rate/harmful", "harmful flips", "%", "lower", _ONE, robustness.robustness,
        "Share of clips that are right in the clean twin and wrong in the cell."),
    Measure("flip_rate/helpful", "helpful flips", "%", "higher", _ONE, robustness.robustness,
        "Share of clips that are wrong in the clean twin and right in the cell."),
    Measure("top5_overlap", "overlap of the five best", "%", "higher", _ONE, robustness.robustness,
        "Mean share of the five best classes that cell and clean twin have in common. Left out with"
        " five classes or fewer."),
    Measure("kl_from_clean", "divergence from the clean twin", "nats", "lower", _ANY,
        robustness.robustness,
        "Mean Kullback-Leibler divergence KL(p_0 ‖ p_m) between the class probabilities of the"
        " clean twin and of the cell."),
    Measure("drift", "drift", "number", "lower", (0, 2), inputs.mean_drift,
        "Mean 1 − cos between the embedding of a clip and that of its clean twin."),
    Measure("robustness/area", "area under accuracy", "%", "higher", _ONE,
        robustness.area_over_ratio,
        "Mean accuracy over the requested hidden shares, with the clean cell at 0 (trapezoids).",
        "sweep", _SWEEP),
    Measure("robustness/resilience", "resilience", "number", "higher", _ANY, robustness.resilience,
        "Mean accuracy of the masked cells over that of the clean cell. At 1 nothing is lost.",
        "sweep", _SWEEP),
    Measure("robustness/mean_change", "change of top-1, mean over masks", "points", "higher",
        (-1, 1), pooled.pooled_contrast,
        "Top-1 minus that of the clean twin, mean over the masks (and seeds) of the sweep; groups"
        " are sampled jointly, so its interval is narrower than that of each mask.",
        "sweep", _SWEEP),
    Measure("robustness/mean_difference", "difference of top-1, mean over masks", "points",
        "neither", (-1, 1), pooled.pooled_contrast,
        "Top-1 of two models, prompts, noises or frame orders, one minus the other, mean over the"
        " cells that are otherwise alike.", "sweep", _SWEEP),
    Measure("robustness/fill_spread", "spread over fills", "points", "lower", _ONE, None,
        "Largest minus smallest accuracy of one mask under several fills: the effect of the fill"
        " alone.", "sweep", _SWEEP),
    Measure("robustness/seed_consistency", "agreement of seeds", "%", "higher", _ONE,
        robustness.agreement_of_seeds,
        "How often two seeds of the same mask give a clip the same prediction.",
        "sweep", _SWEEP),
    Measure("robustness/mean_corruption_error", "mean corruption error", "number", "lower", _ANY,
        robustness.mean_corruption_error,
        "Errors under the masks over those of the base model, mean over masks. The base model has"
        " 1.", "sweep", _SWEEP),
)
_CLASS_BIAS = (
    Measure("bias/skew_kl", "skew of the predictions", "nats", "lower", _ANY,
        prediction_bias.prediction_bias,
        "Kullback-Leibler divergence of the mean class probabilities from the class frequencies.",
        places=_BIAS),
    Measure("bias/never_predicted", "classes never predicted", "count", "lower", _ANY,
        prediction_bias.prediction_bias, "Classes that have clips and are never predicted.",
        places=_BIAS),
    Measure("bias/recall_sd", "standard deviation of recall", "points", "lower", (0, 0.5),
        prediction_bias.prediction_bias,
        "Recall is the share of a class's clips that are classified correctly. Its standard"
        " deviation over the classes that have clips: at 0 all are equal.", places=_BIAS),
    Measure("bias/recall_sd_by_chance", "standard deviation of recall by chance", "points",
        "neither", (0, 0.5), chance.recalls_by_chance,
        "Mean of `bias/recall_sd` when groups of clips are dealt to the classes at random: the"
        " spread without any difference between classes."),
    Measure("bias/worst10", "recall of the worst tenth", "%", "higher", _ONE,
        prediction_bias.prediction_bias, "Mean recall of the worst tenth of the classes.",
        places=_BIAS),
    Measure("bias/worst10_by_chance", "recall of the worst tenth by chance", "%", "neither", _ONE,
        chance.recalls_by_chance,
        "Mean of `bias/worst10` when groups of clips are dealt to the classes at random."),
    Measure("bias/confusion_asymmetry", "one-sided confusions", "number", "lower", _ONE,
        prediction_bias.prediction_bias,
        "Whether classes are mistaken for each other in both directions (0) or in one only (1):"
        " Σ_{i<j} |K_ij − K_ji| over all errors. With few errors it is near 1 by chance.",
        places=_BIAS),
    Measure("bias/confusion_asymmetry_by_chance", "one-sided confusions by chance", "number",
        "neither", _ONE, chance.asymmetry_by_chance,
        "Mean of `bias/confusion_asymmetry` when both directions are equally likely."),
    Measure("bias/recall_gini", "recall, Gini", "number", "lower", _ONE,
        prediction_bias.prediction_bias,
        "How unequal the recalls of the classes are. At 0 all are equal; towards 1 a few classes"
        " have all of it."),
    Measure("bias/recall_gap", "recall gap", "points", "lower", _ONE,
        prediction_bias.prediction_bias,
        "Recall of the best class minus that of the worst. With many classes it is near 100 for"
        " nearly every model: read the standard deviation."),
    Measure("bias/prediction_kl", "skew of the histogram of predictions", "nats", "lower", _ANY,
        prediction_bias.prediction_bias,
        "Kullback-Leibler divergence of the predicted classes from the class frequencies."),
    Measure("bias/prediction_tv", "total variation of the predictions", "number", "lower", _ONE,
        prediction_bias.prediction_bias,
        "Half the sum of the differences between the frequencies of the predicted and of the true"
        " classes."),
    Measure("bias/prediction_entropy", "entropy of the predictions", "number", "neither", _ONE,
        prediction_bias.prediction_bias,
        "Entropy of the histogram of predictions over ln C. At 1 all classes are predicted equally"
        " often."),
    Measure("bias/overprediction", "overprediction", "number", "lower", _ANY,
        prediction_bias.prediction_bias,
        "Largest ratio of predictions to clips of a class. At 1 no class is predicted too often."),
    Measure("bias/amplification", "amplified skew", "nats", "lower", _REAL, robustness.robustness,
        "`bias/skew_kl` minus that of the clean twin. Above 0 the mask or noise concentrates the"
        " predictions on fewer classes."),
    Measure("bias/<attribute>/accuracy_difference", "gap between kinds of clips", "points", "lower",
        _ONE, attributes.attribute_metrics,
        "Top-1 of the best value of the attribute minus that of the worst."),
    Measure("bias/<attribute>/accuracy_ratio", "ratio between kinds of clips", "number", "higher",
        _ONE, attributes.attribute_metrics,
        "Top-1 of the worst value over that of the best. At 1 there is no gap."),
    Measure("bias/<attribute>/equalised_odds", "equalised odds gap", "number", "lower", _ONE,
        attributes.attribute_metrics,
        "For each class the larger of the gaps in true and false positive rates between the values"
        " of the attribute, mean over classes."),
)
_SCENE = (
    Measure("scene/clean", "whole clips, top-1", "%", "higher", _ONE, scene.scene_measures,
        "Accuracy on clips as they are.", "sweep", _SWEEP),
    Measure("scene/background_only", "background only, top-1", "%", "neither", _ONE,
        scene.scene_measures,
        "Accuracy with the subject hidden. At chance level the background tells nothing; higher"
        " values mean more reliance on it.", "sweep", _SWEEP),
    Measure("scene/background_ratio", "background ratio", "number", "neither", _ANY,
        scene.scene_measures,
        "Accuracy with the subject hidden over that on whole clips (HAT). At 1 the background is"
        " enough.", "sweep", _SWEEP),
    Measure("scene/person_only", "person only, top-1", "%", "higher", _ONE, scene.scene_measures,
        "Accuracy with everything but the subject hidden.", "sweep", _SWEEP),
    Measure("scene/essential_cue", "essential cue", "number", "higher", _ANY, scene.scene_measures,
        "Accuracy with only the subject visible over that on whole clips. At 1 the subject is"
        " enough.", "sweep", _SWEEP),
    Measure("scene/swap_accuracy", "swapped, the subject's class", "%", "higher", _ONE,
        scene.scene_measures,
        "SHAcc: share of subjects in front of another class's background that are classified as"
        " their own action.", "sweep", _SWEEP),
    Measure("scene/swap_error", "swapped, the background's class", "%", "lower", _ONE,
        scene.scene_measures,
        "SBErr: share of the same clips that are classified as the action that belongs to the"
        " background.", "sweep", _SWEEP),
    Measure("scene/errors_to_scene", "swapped, errors that name the background", "%", "lower", _ONE,
        scene.errors_to_scene,
        "SBErr at matched accuracy: share of the wrong answers that name the background's class."
        " It does not fall only because accuracy rises. By chance it is 1 / (C − 1).",
        "sweep", _SWEEP),
    Measure("scene/contrasted_accuracy", "contrasted", "%", "higher", _ONE, scene.scene_measures,
        "Share of swapped clips that are classified correctly, and differently when nothing moves.",
        "sweep", _SWEEP),
    Measure("scene/reliance", "reliance on the background", "points", "neither", (-1, 1),
        scene.scene_measures, "Accuracy on whole clips minus that with the background hidden.",
        "sweep", _SWEEP),
    Measure("scene/subject_reliance", "reliance on the subject", "points", "neither", (-1, 1),
        scene.scene_measures, "Accuracy on whole clips minus that with the subject hidden.",
        "sweep", _SWEEP),
)
_DETECTION = (
    Measure("detect/prevalence", "prevalence of the event", "%", "neither", _ONE,
        detection.detection,
        "Share of the clips whose class is in `measures.target`. The predictive values hold for"
        " this prevalence only."),
    Measure("detect/auroc", "area under the ROC curve", "number", "higher", _ONE,
        detection.detection,
        "How often a clip with the event has a higher score (summed probability of the target"
        " classes) than one without it. 0.5 by chance."),
    Measure("detect/auprc", "average precision", "number", "higher", _ONE, detection.detection,
        "Precision at each event, from the highest score to the lowest, mean over the events. By"
        " chance it is the prevalence."),
    Measure("detect/<rule>/threshold", "threshold", "number", "neither", _ONE,
        detection.detection_at_thresholds,
        "Chosen on the clean clips of `measures.reference`. `youden`: sensitivity + specificity is"
        " largest; `required`: the highest that finds the share `measures.sensitivity` of the"
        " events there."),
    Measure("detect/<rule>/sensitivity", "sensitivity", "%", "higher", _ONE, detection.detection,
        "Share of the events that raise an alarm. The rule: `argmax`, the predicted class is in"
        " the target; `youden` or `required`, the score reaches the threshold."),
    Measure("detect/<rule>/specificity", "specificity", "%", "higher", _ONE, detection.detection,
        "Share of the other clips that raise no alarm."),
    Measure("detect/<rule>/ppv", "positive predictive value", "%", "higher", _ONE,
        detection.detection,
        "Share of the alarms that are events. It falls with the prevalence."),
    Measure("detect/<rule>/npv", "negative predictive value", "%", "higher", _ONE,
        detection.detection,
        "Share of the clips without an alarm that are no events. It rises as the prevalence"
        " falls."),
    Measure("detect/<rule>/false_alarms_per_hour", "false alarms per hour", "number", "lower",
        _ANY, detection.detection,
        "Alarms in clips without the event over the hours of these clips; at most one alarm a clip."
        " Clips whose file states no frame rate are left out."),
)
_MASK = (
    Measure("mask/realised_ratio", "hidden share", "%", "neither", _ONE, inputs.realised_ratio,
        "Mean share of the pixels that is hidden, of those that the model sees.",
        places=_TERMINAL + _HIDDEN),
    Measure("mask/realised_ratio_sd", "standard deviation of the hidden share", "points", "neither",
        (0, 0.5), inputs.realised_ratio_sd, "Over clips; 0 for masks of exact area."),
    Measure("mask/video_share", "hidden share of the video", "%", "neither", _ONE,
        inputs.video_share,
        "Mean share of the video's whole frame that crop and mask hide together.",
        places=_HIDDEN),
    Measure("mask/tokens_hidden", "tokens hidden whole", "%", "neither", _ONE,
        inputs.tokens_hidden,
        "Mean share of the model's own patches (tokens) that are hidden whole. It depends on the"
        " size of these patches, and on the phase of the mask.", places=_HIDDEN),
    Measure("mask/tokens_partly", "tokens hidden in part", "%", "neither", _ONE,
        inputs.tokens_partly, "Mean share of these patches that are hidden in part.",
        places=_HIDDEN),
    Measure("mask/tokens_untouched", "tokens untouched", "%", "neither", _ONE,
        inputs.tokens_untouched, "Mean share of these patches of which nothing is hidden.",
        places=_HIDDEN),
    Measure("mask/native_black", "black from the start", "%", "neither", _ONE, inputs.native_black,
        "Mean share of pixels that are black before any mask, such as letterbox bars."),
    Measure("mask/subject_hidden", "subject hidden", "%", "neither", _ONE, inputs.subject_hidden,
        "Mean share of the subject that is hidden; needs a region source.",
        places=_TERMINAL + _HIDDEN),
    Measure("mask/background_kept", "background left", "%", "neither", _ONE,
        inputs.background_kept,
        "Mean share of all that is not the subject that stays visible; needs a region source.",
        places=_HIDDEN),
    Measure("mask/subject_not_found", "subject not found", "%", "neither", _ONE,
        inputs.subject_not_found, "Share of clips in which the region source found no subject."),
    Measure("mask/feature_hidden", "target hidden", "%", "neither", _ONE, inputs.feature_hidden,
        "Mean share of the target of the mask that is hidden."),
    Measure("mask/feature_frames", "frames with the target", "%", "neither", _ONE,
        inputs.feature_frames, "Share of frames in which the target of the mask was found."),
    Measure("mask/nothing_found", "clips without the target", "%", "neither", _ONE,
        inputs.clip_counts,
        "Share of the decoded clips in which the target of the mask was not found.",
        places=_TERMINAL + _HIDDEN),
    Measure("mask/too_little_kept", "clips with too little left", "%", "neither", _ONE,
        inputs.clip_counts,
        "Share of the decoded clips that are left out because less than `masking.min_kept` of what"
        " is not the target stays visible.", places=_TERMINAL + _HIDDEN),
)
_REGRESSION = (
    Measure("regression/subject_hidden", "10 points more of the subject", "points", "neither",
        _REAL, regression.share_effects,
        "Change of top-1 if 10 points more of the subject are hidden at the same hidden share of"
        " the picture: what is hidden. Each clip is compared with itself over the masks of a"
        " sweep.", "sweep"),
    Measure("regression/picture_hidden", "10 points more of the picture", "points", "neither",
        _REAL, regression.share_effects,
        "Change of top-1 if 10 points more of the picture are hidden at the same hidden share of"
        " the subject: how much is hidden.", "sweep"),
)
_ATTENTION = (
    Measure("attention/mass", "attribution inside the subject", "number", "higher", _ONE,
        attention.mass, "Share of the gradient-weighted attention that lies on the subject.",
        "cell"),
    Measure("attention/rank", "strongest patches on the subject", "number", "higher", _ONE,
        attention.rank,
        "Share of the K strongest patches that lie on the subject, which has K patches.", "cell"),
    Measure("attention/pointing", "pointing game", "number", "higher", _ONE, attention.pointing,
        "Share of frames whose strongest patch lies on the subject.", "cell"),
    Measure("attention/focus", "focus", "number", "higher", _ANY, attention.focus,
        "The subject's share of the attribution over its share of the frame. At 1 there is no"
        " focus.", "cell"),
)
_NOISE = (
    Measure("noise/rms", "noise, root mean square", "grey levels", "neither", (0, 255),
        inputs.noise_rms, "What noise changed in the pixels after clipping, mean over clips."),
    Measure("noise/largest", "noise, largest change", "grey levels", "neither", (0, 255),
        inputs.noise_largest, "The largest change of any pixel."),
    Measure("noise/steps", "steps of learning", "count", "neither", _ANY, None,
        "Optimiser steps until learning stopped.", "cell"),
    Measure("noise/kept_step", "step that is kept", "count", "neither", _ANY, None,
        "The step with the best score on the validation clips.", "cell"),
    Measure("noise/named_on_empty", "named on empty frames", "%", "neither", _ONE, None,
        "How often the noise δ_c of a class c alone makes the model predict c on a black, grey or"
        " white frame. Chance is 1 / C.", "cell"),
    Measure("noise/<variant>/<measure>", "a measure under a protocol or control", "number",
        "neither", _REAL, effect.paired_effect,
        "top1, true_class_confidence, ece, bias/skew_kl, bias/recall_sd, bias/worst10,"
        " scene/swap_error, scene/errors_to_scene or attention/mass of the same clips under"
        " `candidate`, `topk`, `predicted`, `oracle_leaks_the_label`, `random`, `shuffled`,"
        " `universal`, `calibration` or, for noise that is one for all classes, `learned`.",
        "cell"),
    Measure("noise/<variant>/<measure>_difference", "the same minus that without noise", "number",
        "neither", _REAL, effect.paired_effect,
        "Paired by clip; intervals are in noise/effect.csv.", "cell"),
    Measure("noise/<noise>/<variant>/<mask>/<measure>_difference", "effect of learned noise",
        "number", "neither", _REAL, effect.paired_effect,
        "A measure with noise minus that without, by mask, mean over noise seeds; intervals are in"
        " noise_effects.csv.", "sweep"),
)
_SEEDS = (
    Measure("seeds/top1_mean", "mean top-1 over seeds", "%", "higher", _ONE, None,
        "Mean of cells that differ only in the seed.", "sweep", _SWEEP),
    Measure("seeds/top1_sd", "standard deviation over seeds", "points", "lower", _ONE, None,
        "Sample standard deviation of their top-1.", "sweep", _SWEEP),
    Measure("seeds/count", "seeds", "count", "neither", _ANY, None, "Number of these cells.",
        "sweep", _SWEEP),
)
_DATA = (
    Measure("data/clips", "clips", "count", "neither", _ANY, inputs.clip_counts,
        "Number of clips that every number is about.", places=_TERMINAL),
    Measure("data/failed_clips", "failed clips", "count", "lower", _ANY, None,
        "Clips that could not be decoded; no number includes them.", "cell"),
    Measure("data/empty_clips", "clips without the target", "count", "neither", _ANY,
        inputs.clip_counts,
        "Decoded clips in which the target of the mask was not found."),
    Measure("data/covered_clips", "covered clips", "count", "neither", _ANY, inputs.clip_counts,
        "Decoded clips of which the mask leaves less than `masking.min_kept`."),
    Measure("data/left_out_clips", "clips left out", "count", "neither", _ANY, inputs.clip_counts,
        "Clips that no number includes: without the target (`region.on_empty=skip`), or covered."),
)
_COST = (
    Measure("cost/seconds", "time", "seconds", "lower", _ANY, Cost.metrics,
        "Time of the whole cell.", "cell"),
    Measure("cost/<part>_seconds", "time by part", "seconds", "lower", _ANY, Cost.metrics,
        "load, decode, regions, mask, model, noise, attention and metrics; they do not overlap.",
        "cell"),
    Measure("cost/clips_per_second", "clips per second", "number", "higher", _ANY, Cost.metrics,
        "Through mask and model.", "cell"),
    Measure("cost/frames_per_second", "frames per second", "number", "higher", _ANY, Cost.metrics,
        "Through mask and model.", "cell"),
    Measure("cost/peak_memory_mb", "peak memory", "MB", "lower", _ANY, Cost.metrics,
        "Of the process, including the cells that it ran before.", "cell"),
    Measure("cost/peak_device_memory_mb", "peak memory of the accelerator", "MB", "lower", _ANY,
        Cost.metrics, "With CUDA only.", "cell"),
)
# fmt: on

FAMILIES: dict[str, tuple[Measure, ...]] = {
    "Accuracy": _ACCURACY,
    "Half of the classes": HALF_CLASSES,
    "Mean over official splits": SPLITS,
    "Linear probes": PROBES,
    "Confidence and calibration": CALIBRATION,
    "Selective prediction and conformal sets": SELECTIVE,
    "Robustness against the clean twin": _ROBUSTNESS,
    "Bias to classes and between kinds of clips": _CLASS_BIAS,
    "Bias to the scene": _SCENE,
    "Detection of named classes": _DETECTION,
    "What the mask did": _MASK,
    "How much is hidden, or what": _REGRESSION,
    "Attention": _ATTENTION,
    "Learned noise": _NOISE,
    "Models of a sweep": MODELS,
    "Domains of a sweep": DOMAINS,
    "Seeds": _SEEDS,
    "Data": _DATA,
    "Cost": _COST,
}
"""The table, in groups that belong together."""

MEASURES = tuple(measure for family in FAMILIES.values() for measure in family)
"""The table."""

_BY_NAME = {measure.name: measure for measure in MEASURES}


def find(name: str) -> Measure:
    """Return the measure that a logged name stands for.

    Raises:
        KeyError: when there is none.

    Example:
        >>> find("bias/viewpoint/accuracy_ratio").name
        'bias/<attribute>/accuracy_ratio'
    """
    known = _BY_NAME.get(name) or next((one for one in MEASURES if one.covers(name)), None)
    if known is None:
        raise KeyError(f"{name} has no entry in clip_har.metrics.measures")
    return known


def by_chance(name: str) -> str | None:
    """Return the name of the measure of what chance alone gives; None if there is none.

    Example:
        >>> by_chance("ece"), by_chance("top1")
        ('ece_by_chance', None)
    """
    of_chance = f"{name}_by_chance"
    return of_chance if of_chance in _BY_NAME else None


def shown_in(place: Place) -> tuple[Measure, ...]:
    """Return the measures that are shown in a place, in order."""
    return tuple(measure for measure in MEASURES if place in measure.places)
