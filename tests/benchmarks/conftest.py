"""Inputs of the benchmarks that are quick to make."""

from dataclasses import replace

import pytest

from benchmarks.inputs import Inputs, make_inputs


@pytest.fixture(scope="session")
def made(tmp_path_factory, small_clip) -> Inputs:
    """Made clips, as where there are no samples, and a checkpoint that is quick to load."""
    folder = tmp_path_factory.mktemp("bench")
    patch = pytest.MonkeyPatch()
    patch.setenv("CLIP_HAR_SAMPLE_DATA", str(folder / "nothing"))
    patch.setattr("benchmarks.inputs.write_checkpoint", lambda *_: small_clip)
    inputs = make_inputs(folder, 3)
    patch.undo()
    return replace(inputs, vit=small_clip, zero=small_clip)
