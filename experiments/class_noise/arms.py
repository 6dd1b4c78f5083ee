"""The arms of the study: what is added to a clip, what is compared with what, what leaks."""

from dataclasses import dataclass

from clip_har.noise.learned.protocols import LEAKS

NONE, CALIBRATION, UNIVERSAL = "none", "calibration", "universal"
STACKED, LIFT, GATED, SHARED = "stacked universal", "lift", "lift gated", "shared part"
SHUFFLED, RANDOM, SHUFFLED_LABELS = "shuffled", "random", "shuffled labels"
BEST_UNIVERSAL, BEST_LIFT = "best head + universal", "best head + lift"
HEADS = ("linear probe", "tip-adapter", "tip-adapter-f", "logit adjustment", "prompt vectors")


@dataclass(frozen=True)
class Arm:
    """One way to score clips.

    Attributes:
        name: of the variant, as a cell of learned noise has it.
        meaning: which scores are stacked, in words.
        passes: passes of a frame through the model, with C classes.
    """

    name: str
    meaning: str
    passes: str


ARMS = (
    Arm(NONE, "scores without noise, as they are", "1"),
    Arm(CALIBRATION, "scores without noise, stacked", "1"),
    Arm(UNIVERSAL, "one noise for all classes, as it is", "1"),
    Arm(STACKED, "without noise, one noise for all classes, a second such noise", "3"),
    Arm(LIFT, "without noise, one for all classes, each class on its own noise, their mean",
        "C + 2"),
    Arm(GATED, "lift; clips whose answer is sure keep their scores", "1 or C + 2"),
    Arm(SHARED, "without noise, one for all classes, the mean under all classes' noise", "C + 2"),
    Arm(SHUFFLED, "placebo: lift with the noise of another class", "C + 2"),
    Arm(RANDOM, "placebo: lift with random noise, as strong", "C + 2"),
    Arm(SHUFFLED_LABELS, "placebo: lift with noise that was learned from shuffled labels", "C + 2"),
    Arm("candidate", "each class on its own noise, as it is", "C"),
    Arm("topk", "the same for the best classes without noise", "k + 1"),
    Arm("predicted", "the noise of the class that is predicted without noise", "2"),
    *(Arm(head, "a head on the embeddings, from the same labels, stacked", "1") for head in HEADS),
    Arm(BEST_UNIVERSAL, "the best head, without noise, both noises for all classes", "3"),
    Arm(BEST_LIFT, "the best head and the scores of lift", "C + 2"),
    Arm("oracle" + LEAKS, "each clip on the noise of its true class: an upper bound", "3"),
)  # fmt: skip

COMPARED = (
    (LIFT, STACKED),
    (LIFT, SHUFFLED),
    (LIFT, RANDOM),
    (LIFT, SHUFFLED_LABELS),
    (LIFT, SHARED),
    (LIFT, CALIBRATION),
    (GATED, LIFT),
    (SHUFFLED, STACKED),
    (STACKED, CALIBRATION),
    (BEST_LIFT, BEST_UNIVERSAL),
    *((LIFT, head) for head in HEADS),
)
"""What is compared, beside each arm with no noise: the first minus the second."""
