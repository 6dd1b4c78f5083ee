"""The measures that compare the models of a sweep."""

from math import inf

from clip_har.metrics import models, ranks
from clip_har.metrics.measure import Measure

# fmt: off
MODELS = (
    Measure("models/rank/<model>", "rank of the model", "count", "lower", (1, inf),
        ranks.rank_intervals,
        "Rank of its top-1 among the models of the sweep, mean over masks; 1 is the highest. Cells"
        " that use the true label do not count.", "sweep"),
    Measure("models/first/<model>", "how often the model is first", "%", "higher", (0, 1),
        models.rank_shares,
        "Share of the bootstrap samples of groups in which the model has the highest top-1, mean"
        " over masks.", "sweep"),
    Measure("models/front/<model>", "on the front of accuracy and cost", "number", "higher", (0, 1),
        models.dominance,
        "1 if no other model is as accurate, mean over masks, and as fast on this machine, and"
        " better in one of the two; else 0.", "sweep"),
)
# fmt: on
