"""The table of variants: what is fitted, what leaks and what is compared follow from it."""

import pytest

from clip_har.heads.names import HEADS
from clip_har.noise.learned.arms import (
    ARMS,
    BY_NAME,
    CLASS_PARTS,
    LIFT,
    ORACLE,
    STACKED,
    arm_of,
    pairs,
)
from clip_har.noise.learned.protocols import PROTOCOLS, variant_name
from clip_har.noise.variants import LEARNED, NONE, RANDOM, SECOND, UNIVERSAL, slug


def test_every_name_is_one_row_and_one_file():
    assert len(BY_NAME) == len(ARMS) == len({slug(arm.name) for arm in ARMS})
    assert {variant_name(protocol) for protocol in PROTOCOLS} <= BY_NAME.keys()
    assert ARMS[0].name == NONE


def test_only_what_scores_by_the_true_class_leaks():
    assert [arm.name for arm in ARMS if arm.leaks] == [ORACLE]
    assert [arm.name for arm in ARMS if "true" in arm.features] == [ORACLE]
    assert "leaks" in ORACLE


@pytest.mark.parametrize("name", ["shuffled", "random", "shuffled labels"])
def test_a_placebo_differs_from_lift_in_its_parts_alone(name):
    one, lift = BY_NAME[name], BY_NAME[LIFT]
    assert one.features == lift.features
    assert (one.noise, one.another) != (lift.noise, lift.another)
    assert one.kind == "control"


def test_stacks_start_from_what_they_improve_on():
    for arm in ARMS:
        if arm.features:
            assert arm.features[0] in ("clean", "head")


def test_what_is_compared():
    names = [arm.name for arm in ARMS]
    found = pairs(names, LIFT)
    assert found[: len(names) - 1] == [(name, NONE) for name in names[1:]]
    assert (LIFT, STACKED) in found
    assert (LIFT, "shuffled") in found
    assert all((LIFT, head) in found for head in HEADS)
    assert ("best head + lift", "best head + universal") in found
    assert (LIFT, ORACLE) not in found
    assert (LIFT, LIFT) not in found
    assert len(found) == len(set(found))


def test_pairs_need_both_variants_and_know_leaking_names():
    assert pairs(["none", "learned", "random", "calibration"], "learned") == [
        ("learned", "none"), ("random", "none"), ("calibration", "none"),
        ("learned", "random"), ("learned", "calibration"),
    ]  # fmt: skip
    leaking = "random (leaks the label)"
    assert pairs([ORACLE, leaking], ORACLE)[-1] == (ORACLE, leaking)
    assert arm_of(leaking) is BY_NAME["random"]
    assert ("lift gated", LIFT) not in pairs(["lift gated"], "lift gated")


def test_what_a_stack_needs_and_is_shown_with():
    assert BY_NAME[LIFT].noises == {UNIVERSAL, LEARNED}
    assert BY_NAME[LIFT].shown == LEARNED
    assert BY_NAME[STACKED].noises == {UNIVERSAL, SECOND}
    assert BY_NAME[STACKED].shown == SECOND
    assert BY_NAME["random"].noises == {UNIVERSAL, RANDOM}
    assert BY_NAME["calibration"].noises == set()
    assert BY_NAME["linear probe"].shown == NONE
    assert {LEARNED, RANDOM, "shuffled labels"} == CLASS_PARTS
