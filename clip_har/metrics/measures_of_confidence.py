"""The entries of the table of measures that are about confidence, see `measures`."""

from math import inf

from clip_har.metrics import (
    accuracy,
    calibration,
    chance,
    conformal,
    decomposition,
    selective,
    temperature,
)
from clip_har.metrics.measure import Measure

_ONE, _ANY, _REAL = (0, 1), (0, inf), (-inf, inf)  # ranges

# fmt: off
CALIBRATION = (
    Measure("confidence", "confidence", "number", "neither", _ONE, accuracy.confidence,
        "Mean probability of the predicted class, the softmax over the classes.",
        places=("terminal",)),
    Measure("true_class_confidence", "confidence in the true class", "number", "higher", _ONE,
        calibration.true_class_confidence, "Mean probability of the true class."),
    Measure("margin", "margin", "number", "neither", _ONE, calibration.margin,
        "Mean difference between the probabilities of the best and the second best class."),
    Measure("entropy", "entropy", "number", "neither", _ONE, calibration.normalised_entropy,
        "Mean entropy of the class probabilities over ln C. At 0 the model is certain, at 1 all"
        " classes are equally likely."),
    Measure("ece", "expected calibration error", "number", "lower", _ONE,
        calibration.expected_calibration_error,
        "Gap between confidence and accuracy, mean over 15 bins of equal width, weighted by"
        " clips."),
    Measure("ece_by_chance", "calibration error by chance", "number", "neither", _ONE,
        chance.error_by_chance,
        "Mean of `ece` for a calibrated model with the same confidences and as many clips: chance"
        " alone gives this much."),
    Measure("ece_debiased", "calibration error, debiased", "number", "lower", (-1, 1),
        calibration.debiased_calibration_error,
        "`ece` minus an estimate of what chance adds in each bin. May be a little below 0."),
    Measure("ece_adaptive", "adaptive calibration error", "number", "lower", _ONE,
        calibration.adaptive_calibration_error,
        "The same gap over 15 bins with equally many clips."),
    Measure("brier", "Brier score", "number", "lower", (0, 2), calibration.brier_score,
        "Mean squared distance between the class probabilities and the truth."),
    Measure("nll", "log score", "nats", "lower", _ANY, calibration.negative_log_likelihood,
        "Mean −ln of the probability of the true class."),
    Measure("brier/miscalibration", "Brier score, miscalibration", "number", "lower", (-2, 2),
        decomposition.score_parts,
        "What the Brier score gains if the confidence is recalibrated on the same clips. Chance"
        " alone gives about 0.01 with 400 clips, less than 0.003 with 3,700."),
    Measure("brier/discrimination", "Brier score, discrimination", "number", "higher", (-2, 1),
        decomposition.score_parts,
        "How much better the recalibrated probabilities are than the frequencies of the classes."
        " `brier` = miscalibration − discrimination + uncertainty."),
    Measure("brier/uncertainty", "Brier score, uncertainty", "number", "neither", _ONE,
        decomposition.score_parts,
        "The Brier score of the frequencies of the classes; the same for all cells over the same"
        " clips."),
    Measure("nll/miscalibration", "log score, miscalibration", "nats", "lower", _REAL,
        decomposition.score_parts,
        "What the log score gains if the confidence is recalibrated on the same clips. Chance"
        " alone gives 0.02 to 0.03 with 400 clips, less than 0.01 with 3,700."),
    Measure("nll/discrimination", "log score, discrimination", "nats", "higher", _REAL,
        decomposition.score_parts,
        "What the recalibrated probabilities tell of the class beyond the frequencies of the"
        " classes. `nll` = miscalibration − discrimination + uncertainty."),
    Measure("nll/uncertainty", "log score, uncertainty", "nats", "neither", _ANY,
        decomposition.score_parts,
        "The log score of the frequencies of the classes, their entropy."),
    Measure("calibrated/temperature", "temperature", "number", "neither", (0.01, 100),
        temperature.calibrated_measures,
        "What the scores are divided by so that the log score of the clean reference clips is"
        " least. Above 1 the model is too confident. Needs `measures.reference`."),
    Measure("calibrated/ece_debiased", "calibration error at this temperature, debiased", "number",
        "lower", (-1, 1), temperature.calibrated_measures,
        "`ece_debiased` after the temperature of the reference."),
    Measure("calibrated/nll", "log score at this temperature", "nats", "lower", _ANY,
        temperature.calibrated_measures, "`nll` after the temperature of the reference."),
)
SELECTIVE = (
    Measure("selective/accuracy_80", "top-1 at 80 % coverage", "%", "higher", _ONE,
        selective.selective_measures,
        "Top-1 of the 80 % of the clips that the model is most certain of."),
    Measure("selective/accuracy_90", "top-1 at 90 % coverage", "%", "higher", _ONE,
        selective.selective_measures,
        "Top-1 of the 90 % of the clips that the model is most certain of."),
    Measure("selective/aurc", "area under risk over coverage", "number", "lower", _ONE,
        selective.selective_measures,
        "Share of wrong answers among the most certain clips, mean over all coverages. It depends"
        " on accuracy, too."),
    Measure("selective/aurc_by_chance", "area under risk over coverage by chance", "number",
        "neither", _ONE, selective.selective_measures,
        "`selective/aurc` if certainty told nothing of right and wrong: the error rate."),
    Measure("selective/excess_aurc", "area above that of the best order", "number", "lower", _ONE,
        selective.selective_measures,
        "`selective/aurc` minus that of a model with the same answers that is less certain of all"
        " wrong ones. At 0 it knows which of its answers are wrong."),
    Measure("conformal/least_probability", "least probability in a set", "number", "neither", _ONE,
        conformal.conformal_measures,
        "A clip's conformal set are the classes at least this probable, so that sets of clean clips"
        " of new groups hold the true class as often as `measures.coverage` promises. Needs"
        " `measures.reference`."),
    Measure("conformal/coverage", "coverage of conformal sets", "%", "higher", _ONE,
        conformal.conformal_measures,
        "Share of the clips whose set holds the true class, mean over groups."),
    Measure("conformal/set_size", "classes in a conformal set", "number", "lower", _ANY,
        conformal.conformal_measures, "Mean number of classes, mean over groups."),
    Measure("conformal/single", "conformal sets of one class", "%", "neither", _ONE,
        conformal.conformal_measures, "Share of such sets, mean over groups."),
    Measure("conformal/empty", "empty conformal sets", "%", "neither", _ONE,
        conformal.conformal_measures,
        "Share of clips in which no class is probable enough, mean over groups."),
)
# fmt: on
