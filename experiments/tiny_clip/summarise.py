"""The command ``python -m experiments.tiny_clip.summarise``: add further runs to the model card."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import hydra
from omegaconf import DictConfig

from experiments.tiny_clip.card import CARD, NAMES, model_card, overrides
from experiments.tiny_clip.folder import Score, read_recipe, read_scores
from experiments.tiny_clip.recipe import CONFIGS

_SHORT = {
    "biased": "ρ = 0.9",
    "unbiased": "ρ = 1/C",
    "gap": "gap",
    "sberr": "SBErr",
    "masked_0.1": "10 % black",
    "masked_0.3": "30 % black",
    "masked_0.5": "50 % black",
}


def sections(checkpoint: Path, seeds: Sequence[Path], ablation: Sequence[Path]) -> str:
    """Return the card's sections about other runs as Markdown.

    Args:
        checkpoint: the folder that the card is of.
        seeds: folders of the same recipe with other seeds.
        ablation: folders with one ingredient changed each; the first is their reference.
    """
    text = ""
    if seeds:
        rows = {f"{_recipe(folder)['seed']}": folder for folder in (checkpoint, *seeds)}
        text += (
            "\n## Training seeds\n\nThe same recipe, measured on the test subjects.\n\n"
            f"{_table('seed', rows, 'test')}\n"
        )
    if ablation:
        reference = _recipe(ablation[0])
        rows = {_label(reference, _recipe(folder)): folder for folder in ablation}
        clips = read_scores(ablation[0])["val", "unbiased"].clips
        margin = 2 * math.sqrt(2 * 0.25 / clips)  # two standard errors of a difference, at worst
        steps = " ".join(overrides({"steps": reference["steps"]}))
        text += (
            "\n## Ablation\n\nOne ingredient changed at a time, one seed each, short runs\n"
            f"(`{steps}`), measured on the validation subjects. With {clips} clips a measure,\n"
            f"differences below about {margin:.2f} are within the error of sampling.\n\n"
            f"{_table('change', rows, 'val')}\n"
        )
    return text


def _recipe(folder: Path) -> dict[str, object]:
    return read_recipe(folder)[0].model_dump()


def _label(reference: Mapping[str, object], other: Mapping[str, object]) -> str:
    changed = {key: value for key, value in other.items() if value != reference[key]}
    return "`" + " ".join(overrides(changed)) + "`" if changed else "none"


def _table(first: str, rows: Mapping[str, Path], split: str) -> str:
    lines = [
        f"| {first} | {' | '.join(_SHORT[name] for name in NAMES)} |",
        f"|---|{'---|' * len(NAMES)}",
    ]
    for label, folder in rows.items():
        scores = read_scores(folder)
        cells = " | ".join(_number(scores.get((split, name))) for name in NAMES)
        lines.append(f"| {label} | {cells} |")
    return "\n".join(lines)


def _number(score: Score | None) -> str:
    return "–" if score is None else f"{score.score:.3f}"


@hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="summarise")
def main(config: DictConfig) -> None:
    """Write the card of a checkpoint folder again."""
    folder = Path(config.checkpoint)
    tables = sections(
        folder, [Path(path) for path in config.seeds], [Path(path) for path in config.ablation]
    )
    (folder / CARD).write_text(model_card(folder, tables=tables), encoding="utf-8")


if __name__ == "__main__":
    main()
