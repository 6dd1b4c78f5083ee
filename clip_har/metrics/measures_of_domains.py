"""The measures that compare the domains of a sweep."""

from clip_har.metrics import domains
from clip_har.metrics.measure import Measure

# fmt: off
DOMAINS = (
    Measure("domains/accuracy_mean", "accuracy, mean of the domains", "%", "higher", (0, 1),
        domains.mean_of,
        "Class-balanced accuracy of the unchanged clips, mean over the data sets of a sweep that"
        " share their classes; each data set counts the same.", "sweep"),
    Measure("domains/accuracy_worst", "accuracy, worst domain", "%", "higher", (0, 1),
        domains.balanced_mean,
        "The lowest class-balanced accuracy of these data sets. The lowest of several is low partly"
        " by chance.", "sweep"),
    Measure("domains/change_mean", "change under masks, mean of the domains", "points", "higher",
        (-1, 1), domains.mean_of,
        "Class-balanced accuracy under the masks minus that of the unchanged clips, mean over the"
        " data sets; each counts the same.", "sweep"),
)
# fmt: on
