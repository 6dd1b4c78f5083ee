"""The table of rows 1 to 4, from made seconds."""

from dataclasses import replace

import pytest

from benchmarks.costs import MANY, TEST_SPLIT, Costs, costs
from benchmarks.sweep import Found, table, ways
from benchmarks.towers import Towers, Way

EAGER, COMPILE, BF16 = (
    str(way) for way in (Way("torch", "fp32"), Way("compile", "fp32"), Way("torch", "bf16"))
)
SCRIPTS = ("user_script", "user_script_text_once", "open_clip_loop", "data_loader", "pipeline")
WHOLE = 9 * TEST_SPLIT
FOUND = Found(
    seconds={
        "bare forward": [10.0, 12.0],
        "bare forward again": [10.0, 12.0],
        "cold cell": [11.0, 18.0],
        "sweep": [6.0 + 16 * 9, 12.0 + 16 * 9 * 1.2],
        **{name: [2.0, 2.4] for name in SCRIPTS},
    },
    own=[Costs(4.0, 0.0, 0.01), Costs(8.0, 0.0, 0.012)],
    starts={name: [5.0, 5.0] for name in SCRIPTS},
    ends=[1.0, 2.0],
    towers=Towers({EAGER: [1.0, 2.0]}, {EAGER: 0.0}, {}),
    clips=(10, 4),
)


def by_name(rows):
    return {(row.number, row.measured, row.against): row for row in rows}


def test_costs_come_from_two_sizes():
    own = Costs(start=5.0, cell=0.5, clip=0.01)
    sizes = (64, MANY * 64)
    found = {
        "own, 1 cell": [own.seconds(64, cells=1)],
        "own, few clips": [own.seconds(64)],
        "own, many clips": [own.seconds(MANY * 64)],
        "own, bare forward": [MANY * 64 * 0.004],
    }
    (worked_out,) = costs(found, 64)
    # The model of no cost has a cost: its forward passes are taken off.
    assert (worked_out.start, worked_out.cell, worked_out.clip) == pytest.approx((5.0, 0.5, 0.006))
    assert worked_out.seconds(sizes[1]) == pytest.approx(5 + 9 * (0.5 + 2.304))


@pytest.mark.parametrize("seconds", [(81.0, 124.0, 52.0), (9.0, 90.0, 100.0)])
def test_costs_on_a_busy_machine_meet_no_goal(seconds):
    own = Costs.of(*seconds, clips=(8, 48), forward=0.0)
    rows = table(replace(FOUND, own=[own, own]))
    (row,) = [row for row in rows if row.goal == 1.01]
    assert row.met is False


def test_a_sweep_of_a_test_split_is_the_sum_of_its_costs():
    rows = by_name(table(FOUND))
    name = f"warm sweep, 9 cells, ViT-B/32, {TEST_SPLIT} clips (worked out)"
    sweep = rows["1", name, "9 bare forwards (eager fp32)"]
    # A clip costs 1 s and 1.2 s of forward passes, and a hundredth of that beside them.
    expected = [1 + (4 + WHOLE * 0.01) / WHOLE, 1 + (8 + WHOLE * 0.012) / (1.2 * WHOLE)]
    assert list(sweep.values) == pytest.approx(expected)
    script = rows["3", name, "user's script"]
    seconds = [WHOLE + 4 + WHOLE * 0.01, 1.2 * WHOLE + 8 + WHOLE * 0.012]
    script_seconds = [5 + 2 * WHOLE, 5 + 2.4 * WHOLE]
    assert list(script.values) == pytest.approx(
        [ours / theirs for ours, theirs in zip(seconds, script_seconds, strict=True)]
    )


def test_a_whole_sweep_is_held_against_the_sum():
    row = by_name(table(FOUND))["1", "warm sweep, 9 cells, 4 clips", "what its costs add up to"]
    assert list(row.values) == pytest.approx(
        [150 / (4 + 36 * 1.01), (12 + 172.8) / (8 + 36 * 1.212)]
    )


def test_a_cold_cell_is_a_ratio_within_its_round():
    row = by_name(table(FOUND))["2", "cold cell, ViT-B/32, 10 clips", "bare forward"]
    assert list(row.values) == pytest.approx([1.1, 1.5])


def test_a_faster_way_counts_its_compilation_once():
    towers = Towers(
        {EAGER: [1.0, 2.0], COMPILE: [0.8, 1.6], BF16: [0.3, 0.6]},
        {EAGER: 0.0, COMPILE: 30.0, BF16: 0.0},
        {COMPILE: None, BF16: None},  # type: ignore[dict-item]
    )
    rows = by_name(table(replace(FOUND, towers=towers)))
    against = "9 bare forwards (eager fp32)"
    compiled = rows["1", f"the same sweep, {COMPILE}", against]
    assert compiled.values[0] == pytest.approx(0.8 + (30 + 4 + WHOLE * 0.01) / WHOLE)
    assert compiled.goal == 0.93
    bf16 = rows["3", "the same, precision=bf16", "user's script, fp32"]
    assert bf16.values[0] == pytest.approx((4 + WHOLE * 0.31) / (5 + 2 * WHOLE))


def test_bf16_is_measured_where_the_processor_has_it():
    assert ways(["torch", "compile"], bf16=False) == [Way("torch", "fp32"), Way("compile", "fp32")]
    assert Way("compile", "bf16") in ways(["torch", "compile"], bf16=True)
    assert Way("openvino", "bf16") not in ways(["torch", "openvino"], bf16=True)
