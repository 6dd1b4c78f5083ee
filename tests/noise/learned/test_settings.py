"""What is wrong with settings of noise is said in one line; what leaks the label is known."""

import itertools
from typing import Any

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.noise.learned.learning_settings import LearningSettings, LossWeights
from clip_har.noise.learned.protocols import LIFTS, PROTOCOLS
from clip_har.noise.learned.settings import ClassSpecificNoise, NestedNoise, UniversalNoise
from tests.noise.cells import cell_of, learned_of

NO_LOSS = ["noise.loss.cross_entropy=0", "noise.loss.ranking=0"]
LEARNED = ["border", "class_specific", "embedding", "nested", "residual", "universal"]
PER_CLASS = ["class_specific", "embedding", "nested", "residual"]


def refused(*overrides: str) -> str:
    with pytest.raises(ClipHarError) as caught:
        cell_of(*overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


ABOVE_0 = "input should be greater than 0"
AT_LEAST_0 = "input should be greater than or equal to 0"
AT_LEAST_1 = "input should be greater than or equal to 1"


@pytest.mark.parametrize(
    ("name", "override", "expected"),
    [
        ("universal", "epsilon=-1", f"noise.epsilon=-1: {ABOVE_0}"),
        ("universal", "epsilon=0", f"noise.epsilon=0: {ABOVE_0}"),
        ("universal", "epsilon=256", "noise.epsilon=256: input should be less than or equal to 25"),
        ("universal", "epsilon=.nan", "noise.epsilon=nan: input should be a finite number"),
        ("residual", "epsilon_class=-4", f"noise.epsilon_class=-4: {ABOVE_0}"),
        ("embedding", "epsilon=3", "noise.epsilon=3: input should be less than or equal to 2"),
        ("border", "width=0", f"noise.width=0: {AT_LEAST_1}"),
        ("universal", "norm=l1", "noise.norm=l1: input should be 'linf' or 'l2'"),
        ("universal", "resolution=0", f"noise.resolution=0: {AT_LEAST_1}"),
        (
            "universal",
            "where=behind",
            "noise.where=behind: input should be 'everywhere', 'visible'",
        ),
        ("universal", "loss.bias=-1", f"noise.loss.bias=-1: {AT_LEAST_0}"),
        ("universal", "train_masking=[]", "noise.train_masking=[]: "),
        ("universal", "train_masking=[blob]", "noise.train_masking.0=blob: input should be 'none'"),
        ("universal", "train_ratios=[0.1,2]", "noise.train_ratios.1=2: input should be less than"),
        ("universal", "attention_clips=-1", f"noise.attention_clips=-1: {AT_LEAST_0}"),
        ("class_specific", "protocol=guess", "noise.protocol=guess: input should be 'candidate'"),
        ("class_specific", "top_k=0", f"noise.top_k=0: {AT_LEAST_1}"),
        ("class_specific", "wrong=0", f"noise.wrong=0: {AT_LEAST_1}"),
        ("gaussian", "std=-1", f"noise.std=-1: {AT_LEAST_0}"),
        ("uniform", "epsilon=-1", f"noise.epsilon=-1: {AT_LEAST_0}"),
        ("salt_pepper", "share=1.5", "noise.share=1.5: input should be less than or equal to 1"),
        ("gaussian", "seed=-1", f"noise.seed=-1: {AT_LEAST_0}"),
    ],
)
def test_a_value_out_of_range(name, override, expected):
    assert refused(f"noise={name}", f"noise.{override}").startswith(expected)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("learning.steps=0", f"learning.steps=0: {AT_LEAST_1}"),
        ("learning.step_size=0", f"learning.step_size=0: {ABOVE_0}"),
        ("learning.optimiser=lion", "learning.optimiser=lion: input should be 'adam' or 'sign'"),
        ("learning.validation_share=1", "learning.validation_share=1: input should be less than 1"),
        ("+learning.colour=red", "learning.colour: there is no such key"),
        ("train_masking=[]", "train_masking=[]: tuple should have at least 1 item after valida"),
        ("train_masking=[blob]", "train_masking.0=blob: input should be 'none', 'percent', 'shap"),
        ("train_ratios=[0.1,2]", "train_ratios.1=2: input should be less than or equal to 1"),
        ("noise_seed=-1", f"noise_seed=-1: {AT_LEAST_0}"),
    ],
)
def test_a_root_key_is_named_as_it_was_typed(override, expected):
    assert refused("noise=universal", override).startswith(expected)


@pytest.mark.parametrize("name", ["none", "gaussian", *LEARNED])
def test_a_key_that_is_not_there(name):
    assert refused(f"noise={name}", "+noise.colour=red") == "noise.colour: there is no such key"
    if name in LEARNED:
        found = refused(f"noise={name}", "+noise.loss.beauty=1")
        assert found == "noise.loss.beauty: there is no such key"


# The loss


@pytest.mark.parametrize("name", LEARNED)
def test_nothing_to_learn_from(name):
    found = refused(f"noise={name}", *NO_LOSS)
    assert found.startswith("noise: loss: expected at least one term with a weight above 0")


@pytest.mark.parametrize("name", ["universal", "border"])
@pytest.mark.parametrize("term", ["contrast", "ranking"])
def test_noise_for_all_classes_cannot_learn_from_what_lies_between_classes_alone(name, term):
    alone = [f"noise={name}", *NO_LOSS, f"noise.loss.{term}=1"]
    assert refused(*alone).endswith("above 0 other than contrast and ranking")
    cell_of(*alone, "noise.loss.bias=1")  # in a sweep over kinds of noise


@pytest.mark.parametrize("name", PER_CLASS)
@pytest.mark.parametrize("term", ["contrast", "ranking"])
def test_noise_per_class_can(name, term):
    cell_of(f"noise={name}", *NO_LOSS, f"noise.loss.{term}=1")


@pytest.mark.parametrize("name", ["universal", "border", "class_specific", "residual"])
def test_attention_needs_to_know_where_the_subject_is(name):
    found = refused(f"noise={name}", "noise.loss.attention=1", "region=none")
    assert found.startswith("noise.loss.attention")
    assert "use region=auto" in found
    cell_of(f"noise={name}", "noise.loss.attention=1", "region=annotation")


@pytest.mark.parametrize("mask", ["feature", "isolation"])
def test_aimed_training_masks_need_to_know_where_the_subject_is(mask):
    aimed = ["noise=universal", f"noise.train_masking=[none,{mask}]"]
    assert "use region=auto" in refused(*aimed, "region=none")
    cell_of(*aimed, "region=motion")


def test_the_cells_own_mask_must_be_one_that_training_clips_can_have():
    same = ["noise=universal", "train_masking=[same]"]
    for masks in ([], ["masking=percent"], ["masking=feature", "region=motion"]):
        assert learned_of(cell_of(*same, *masks)).train_masking == ("same",)
    other = ["masking=swap", "region=motion"], ["masking=feature", "region=prompted", "feature=dog"]
    for masks in other:
        cell_of("noise=universal", *masks)
        assert refused(*same, *masks).startswith("train_masking=same learns noise under the cell's")


def test_a_subject_that_is_found_by_the_label_teaches_nothing():
    by_label = ["noise=universal", "region=relevance", "region.attribution=label"]
    assert "would teach the label" in refused(*by_label, "noise.loss.attention=1")
    assert "would teach the label" in refused(*by_label, "noise.train_masking=[feature]")
    same = "noise.train_masking=[same]"
    assert "would teach the label" in refused(*by_label, same, "masking=isolation")
    cell_of(*by_label, same, "masking=percent")
    cell_of(*by_label)


def test_feature_space_has_no_attention():
    found = refused("noise=embedding", "noise.loss.attention=1", "region=annotation")
    assert found.startswith("noise.loss.attention: noise in feature space changes no pixel")


# Nested noise


@pytest.mark.parametrize("protocol", LIFTS)
def test_only_nested_noise_can_be_lifted(protocol):
    cell_of("noise=nested", f"noise.protocol={protocol}")
    found = refused("noise=residual", f"noise.protocol={protocol}")
    assert found == (
        f"noise.protocol={protocol}: expected candidate, topk, predicted, oracle; {protocol} needs"
        " noise=nested"
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_protocols_are_variants_beside_nested_noise(protocol):
    found = refused("noise=nested", f"noise.protocol={protocol}")
    assert found.startswith(f"noise.protocol={protocol}: expected lift, lift_topk")


def test_a_placebo_needs_parts_of_other_classes():
    cell_of("noise=nested", "noise.protocol=lift_topk", "noise.top_k=2")
    found = refused("noise=nested", "noise.protocol=lift_topk", "noise.top_k=1")
    assert found.endswith("expected noise.top_k of at least 2, got 1")


def test_the_weights_are_fitted_under_a_mask_that_training_clips_can_have():
    same = ["noise=nested", "noise.fit_masking=same"]
    cell_of(*same, "masking=feature", "region=motion")
    assert refused(*same, "masking=swap", "region=motion").startswith(
        "noise.fit_masking=same fits the weights of scores under the cell's own mask"
    )
    by_label = ["region=relevance", "region.attribution=label", "masking=isolation"]
    assert "would teach the label" in refused(*same, *by_label)


PASSES = [  # of ten classes
    ({"controls": False}, 12),
    ({"controls": False, "protocol": "lift_topk"}, 7),
    ({}, 3 + 3 * 10),
    ({"placebos": ()}, 3 + 10),
    ({"placebos": ("another_class",), "baselines": False}, 3 + 10),
    ({"placebos": ("random",)}, 3 + 2 * 10),
    ({"protocol": "lift_topk"}, 3 + (2 * 5 + 1) + 2 * 5),
    ({"protocol": "lift_topk", "placebos": ()}, 3 + (5 + 1)),
    ({"protocol": "lift_topk", "top_k": 20, "controls": False}, 12),
]


@pytest.mark.parametrize(("changes", "passes"), PASSES)
def test_what_nested_noise_costs(changes, passes):
    assert nested(**changes).passes(10) == passes


@pytest.mark.parametrize("name", LEARNED)
def test_a_group_must_be_left_to_learn_from(name):
    found = refused(f"noise={name}", "noise.held_share=0.5", "learning.validation_share=0.5")
    assert found.startswith("noise: held_share + learning.validation_share: expected less than 1")


def test_nested_noise_holds_groups_out():
    assert learned_of(cell_of("noise=nested")).held_share == 0.25
    assert refused("noise=nested", "noise.held_share=0").startswith(
        f"noise.held_share=0: {ABOVE_0}"
    )


def nested(**changes: Any) -> NestedNoise:
    given: dict[str, Any] = {"epsilon": 9, "epsilon_class": 3, "norm": "l2", "resolution": 4}
    return NestedNoise(**{**given, "held_share": 0.3, "seed": 5, **changes})


@pytest.mark.parametrize("loss", [{"ranking": 1}, {"cross_entropy": 0.2, "contrast": 3}])
def test_what_nested_noise_is_learned_on_does_not_depend_on_classes(loss):
    given: dict[str, Any] = {"loss": LossWeights(**loss), "rank": 2, "protocol": "lift_topk"}
    noise = nested(**given)
    base = noise.base()
    expected = UniversalNoise(epsilon=9, norm="l2", resolution=4, held_share=0.3, seed=5)
    assert base == expected  # the loss is cross-entropy alone, at weight 1
    twin = noise.twin()
    assert (twin.base(), twin.epsilon_second, twin.loss) == (base, 3, base.loss)
    assert noise.placebo() == nested(**given, shuffled_labels=True)


def test_the_first_noise_may_have_steps_of_its_own():
    noise = nested(base_steps=7)
    assert (noise.base().learning.steps, noise.learning.steps) == (7, nested().learning.steps)
    assert noise.twin().base() == noise.base(), "both lie on the same noise"
    assert noise.placebo().base() == noise.base()


@pytest.mark.parametrize(("classes", "frames"), [(9, 96 * 4), (3, 96 * 3)])
def test_the_second_noise_passes_as_many_frames_as_the_part_per_class(classes, frames):
    noise = nested(wrong=3)
    part = noise.frames_in_step(classes) * (1 + noise.wrong_classes(classes))
    assert noise.twin().frames_in_step(classes) == part == frames


def test_fewer_frames_in_memory_are_as_many_in_a_step():
    learning = LearningSettings(batch=96, at_once=8)
    for noise in (nested(learning=learning), UniversalNoise(learning=learning)):
        assert noise.frames_in_step(9) == 96
    assert nested(learning=learning).frames_at_once(9) == 2
    assert UniversalNoise(learning=learning).frames_at_once(9) == 8
    assert ClassSpecificNoise(learning=learning).frames_in_step(9) == 24


# Frames


@pytest.mark.parametrize("name", ["universal", "border", "class_specific", "residual"])
@pytest.mark.parametrize("sampler", ["fps", "every"])
def test_noise_per_frame_needs_clips_of_one_length(name, sampler):
    moving = [f"noise={name}", "noise.static=false"]
    found = refused(*moving, f"frames.sampler={sampler}")
    assert found.startswith("noise.static=false learns noise for each frame of a clip")
    assert "use frames.sampler=uniform" in found
    cell_of(*moving)
    cell_of(f"noise={name}", f"frames.sampler={sampler}")


def test_random_noise_needs_no_clips_of_one_length():
    cell_of("noise=gaussian", "noise.static=false", "frames.sampler=fps")


# What is known of settings


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        *itertools.product([name for name in PER_CLASS if name != "nested"], PROTOCOLS),
        *itertools.product(["nested"], LIFTS),
    ],
)
def test_only_the_oracle_leaks(name, protocol):
    cell = cell_of(f"noise={name}", f"noise.protocol={protocol}")
    leaks = protocol == "oracle"
    assert cell.uses_label == leaks
    assert cell.notes() == (("uses the true label",) if leaks else ())


@pytest.mark.parametrize("name", ["none", "gaussian", "uniform", "salt_pepper", *LEARNED])
def test_no_default_leaks(name):
    assert not cell_of(f"noise={name}").uses_label


def test_given_weights_are_those_above_zero():
    assert LossWeights().given() == {}
    assert LossWeights(contrast=2, ranking=0.5, bias=0).given() == {"contrast": 2, "ranking": 0.5}
