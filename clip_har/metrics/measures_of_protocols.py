"""The entries of the table of measures for protocols that papers use."""

from math import inf

from clip_har.metrics import half_classes, probe, splits
from clip_har.metrics.measure import Measure, Place

_PROTOCOL: tuple[Place, ...] = ("report: protocols",)
_SWEEP: tuple[Place, ...] = ("report: sweep",)
_ONE, _ANY, _HALF = (0, 1), (0, inf), (0, 0.5)

# fmt: off
HALF_CLASSES = (
    Measure("half_classes/<halves>/top1", "top-1 over half of the classes", "%", "higher", _ONE,
        half_classes.half_classes,
        "Mean top-1 over random halves of the classes: the clips of a half's classes, classified"
        " among these only. The name has the number of halves: 10, the draws of Text4Vis (Wu et"
        " al., AAAI 2023; Brattoli et al., CVPR 2020), or 50, as in older work. Left out with fewer"
        " than four classes, if the classes of a half have no clip, or with"
        " `model.pooling=mean_probability`, whose scores depend on the other classes.",
        places=_PROTOCOL),
    Measure("half_classes/<halves>/top1_sd", "standard deviation over these halves", "points",
        "neither", _HALF, half_classes.half_classes,
        "Of top-1 over the same halves: how much the choice of classes matters. It is no"
        " uncertainty of the mean, since the halves share their clips.", places=_PROTOCOL),
)
PROBES = (
    Measure("probe/<shots>/top1", "top-1 of a linear probe", "%", "higher", _ONE,
        probe.probe_measures,
        "Of a logistic regression on the frozen embeddings of clips: trained on as many clean clips"
        " of each class of `measures.reference` as the name says, `all` or a number. It has seen"
        " labels, so it is no zero-shot result.", places=_PROTOCOL),
    Measure("probe/<shots>/top1_sd", "standard deviation over draws of the training clips",
        "points", "neither", _ANY, probe.probe_measures,
        "Sample standard deviation over `measures.probe_seeds` draws of these clips.",
        places=_PROTOCOL),
)
SPLITS = (
    Measure("splits/top1_mean", "top-1, mean over splits", "%", "higher", _ONE, splits.over_splits,
        "Mean over the official splits of a sweep over `dataset.split`, each split counts the same,"
        " as papers report it. Its interval draws a group for all splits in which it occurs.",
        "sweep", _SWEEP),
    Measure("splits/top1_sd", "standard deviation over splits", "points", "neither", _ANY,
        splits.over_splits, "Sample standard deviation of top-1 over these splits.", "sweep",
        _SWEEP),
    Measure("splits/top1_pooled", "top-1 over the clips of all splits", "%", "higher", _ONE,
        splits.over_splits,
        "Over all clips that occur in one of these splits, each counts once.", "sweep", _SWEEP),
    Measure("splits/change_mean", "change of top-1, mean over splits", "points", "higher", (-1, 1),
        splits.over_splits,
        "Top-1 minus that of the clean twin, paired by clip within each split, mean over the"
        " splits.", "sweep", _SWEEP),
    Measure("splits/count", "splits", "count", "neither", _ANY, None,
        "Number of these splits.", "sweep", _SWEEP),
)
# fmt: on
