"""The measures that compare the models of a sweep."""

from math import inf

from clip_har.metrics import models
from clip_har.metrics.measure import Measure

# fmt: off
MODELS = (
    Measure("models/rank/<model>", "rank of the model", "number", "lower",
        (1, inf), models.average_ranks,
        "Rank of its top-1 among the models of the sweep; 1 is the highest, and models that are"
        " equal have the mean of their ranks. Top-1 is the mean over"
        " masks; without such a mean it is that of what the report names: the only mask, the"
        " unchanged clips, or the first other condition. Cells that use the true label do not"
        " count.", "sweep"),
    Measure("models/first/<model>", "how often the model is first", "%", "higher", (0, 1),
        models.rank_shares,
        "Share of the bootstrap samples of groups and seeds in which the model has the highest"
        " top-1, of the same masks as the rank.", "sweep"),
    Measure("models/front/<model>", "on the front of accuracy and cost", "number", "higher", (0, 1),
        models.dominance,
        "1 if no other model is as accurate, under the same masks as the rank, and as fast on this"
        " machine, and better in one of the two; else 0. Times whose ranges over the cells overlap"
        " are equal.", "sweep"),
)
# fmt: on
