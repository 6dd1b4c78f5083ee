"""The base of everything that ``_target_`` in ``conf/`` may name."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Checked, immutable settings of one part of a cell.

    Each option of a configuration group is one subclass: its fields are the YAML keys, types and
    ranges are checked when it is made, unknown keys are refused. Its module imports nothing heavy
    at the top (no torch, no mlflow), so that a wrong value is reported before any work starts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
