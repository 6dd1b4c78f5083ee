"""The command ``python -m experiments.tiny_clip.train``: make the tiny CLIP again.

No heavy module is imported at the top: ``--help`` and errors must come at once.
"""

import sys

import hydra
from omegaconf import DictConfig

from clip_har.cli.errors import report_fault, take_over_errors
from experiments.tiny_clip.recipe import CONFIGS

_faults: list[Exception] = []


@hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="train")
def _hydra_main(config: DictConfig) -> None:
    from experiments.tiny_clip.run import run_training

    try:
        run_training(config)
    except Exception as error:  # noqa: BLE001, reported later: Hydra would print its own lines
        _faults.append(error)


def main() -> None:
    """Train, measure and write the checkpoint; after an error, print one clear line."""
    take_over_errors()
    try:
        _hydra_main()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))
    if _faults:
        sys.exit(report_fault(_faults[0]))


if __name__ == "__main__":
    main()
