"""One cell that is to be run: its clips, its result folder, its name, its twin and reference."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from clip_har.config.cell import GROUPS, Cell
from clip_har.config.compose import cell_from_config, clean_config
from clip_har.config.fingerprint import fingerprint
from clip_har.core.names import plain_name
from clip_har.core.settings import Role
from clip_har.data.clips import ClipSet, clips_of
from clip_har.engine.reference import reference_clips, reference_config
from clip_har.results.cell_folder import CellFolder
from clip_har.results.names import MASK, cell_name
from clip_har.results.result import TWIN, reference_name
from clip_har.results.sweep import Sweep
from clip_har.tracking.tracker import RunInfo

_USES_LABEL = "clip_har.uses_true_label"


@dataclass(frozen=True)
class Job:
    """Where a cell comes from: what was typed, and the sweep that it belongs to.

    Attributes:
        overrides: overrides of the configuration, as the user typed them.
        choices: the chosen option of each configuration group.
        sweep: None for a cell outside a sweep.
        folder: where the outcome is written; None to write none.
    """

    overrides: Sequence[str]
    choices: Mapping[str, Any]
    sweep: Sweep | None = None
    folder: Path | None = None

    @property
    def varying(self) -> tuple[str, ...]:
        """The keys that differ between the cells of its sweep."""
        return self.sweep.varying if self.sweep else ()


@dataclass(frozen=True)
class Prepared:
    """A cell that is ready to run: its clips, its place, and what it is called.

    Attributes:
        config: the composed configuration, without Hydra's own node.
        cell: the checked settings made from it.
        clips: the clips to evaluate.
        folder: the folder of the result.
        info: what is sent to the tracking store.
    """

    config: DictConfig
    cell: Cell
    clips: ClipSet
    folder: Path
    info: RunInfo

    @property
    def place(self) -> CellFolder:
        """The folder of the result, with what stands beside it."""
        return CellFolder(self.folder)

    def clean_twin(self) -> "Prepared | None":
        """Return the same clips without mask and noise; None if this cell is its own clean twin."""
        twin = self._clean(clean_config(self.config), self.clips, TWIN)
        return None if twin.info.fingerprint == self.info.fingerprint else twin

    def reference(self) -> "Prepared | None":
        """Return the reference cell, see `clip_har.engine.reference`; None if it has none.

        Raises:
            ClipHarError: when there is no such split, or some of its groups are evaluated.
        """
        config = reference_config(self.config, self.cell)
        clips = reference_clips(self.cell, self.clips)
        if config is None or clips is None:
            return None
        return self._clean(config, clips, reference_name(str(self.cell.measures.reference)))

    def _clean(self, config: DictConfig, clips: ClipSet, name: str) -> "Prepared":
        """Return a cell without mask and noise that is run only for this one."""
        cell = cell_from_config(config)
        key = fingerprint(cell, clips)
        changed = {
            f"dataset.{name}": value
            for name, value in config.dataset.items()
            if self.config.dataset.get(name) != value
        }
        hides = Cell.fields_for(Role.MASK)
        params = {
            name: text
            for name, text in {**self.info.params, MASK: "none", "noise": "none"}.items()
            if not (name.startswith(("masking.", "noise.")) or name in hides)
        }
        texts = {name: plain_name(str(value)) for name, value in changed.items()}
        typed = ["masking=none", "noise=none", *(f"{name}={text}" for name, text in texts.items())]
        info = replace(
            self.info,
            name=name,
            fingerprint=key,
            params={**params, **texts},
            tags={
                **self.info.tags,
                **cell.measures.tags(),
                _USES_LABEL: str(cell.uses_label).lower(),
            },
            dataset=(clips.title, clips.digest),
            command=f"{self.info.command} {shlex.join(typed)}",
            varies={**_of_clean(self.info.varies), **changed},
        )
        return Prepared(config, cell, clips, self.folder.with_name(key), info)


def prepared(config: DictConfig, cell: Cell, job: Job, varies: Mapping[str, Any]) -> Prepared:
    """Find the clips of a cell, its fingerprint and its place.

    Args:
        config: the composed configuration, without Hydra's own node.
        cell: the checked settings made from it.
        job: where the cell comes from.
        varies: what differs from the other cells of its sweep.

    Raises:
        ClipHarError: when the data or the weights are missing.
    """
    clips = clips_of(cell.dataset, cell.limit, cell.classes)
    key = fingerprint(cell, clips)
    folder = cell.results_dir / "cells" / key
    info = RunInfo(
        name=cell_name(varies, job.sweep.words if job.sweep else None, notes=cell.notes()),
        fingerprint=key,
        params=cell_params(config, cell, job.choices),
        tags={
            "clip_har.overrides": " ".join(job.overrides),
            **cell.measures.tags(),  # no parameters: MLflow cannot change those of a run
            _USES_LABEL: str(cell.uses_label).lower(),
        },
        parent=job.sweep.parent if job.sweep else None,
        dataset=(clips.title, clips.digest),
        command=command(job.overrides),
        varies=varies,
    )
    return Prepared(config, cell, clips, folder, info)


def _of_clean(varies: Mapping[str, Any]) -> dict[str, Any]:
    """Return what varies between clean twins: all but the keys of mask and noise."""
    shaped = {"noise", *Cell.fields_for(Role.MASK, Role.NOISE)}
    kept = {
        key: value
        for key, value in varies.items()
        if key not in shaped and not key.startswith(("masking", "noise.", "learning."))
    }
    return {MASK: "none", **kept}


def command(overrides: Sequence[str]) -> str:
    """Return what a user types to run a cell again.

    Example:
        >>> command(["masking=shape", "train_masking=[none,shape]"])
        "python -m clip_har masking=shape 'train_masking=[none,shape]'"
    """
    return shlex.join(["python", "-m", "clip_har", *overrides])


def cell_params(config: DictConfig, cell: Cell, choices: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of a cell's run: its configuration, and the digest of its weights.

    A root key for masks, such as ``ratio``, is there only if the mask takes it, and has the value
    that the mask uses: so charts over the ratio show no cell that has none.

    Args:
        config: the composed configuration, without Hydra's own node.
        cell: the checked settings made from it.
        choices: the chosen option of each configuration group.
    """
    params = flat_params(config, choices)
    for key in cell.fields_for(Role.MASK):
        del params[key]
        if getattr(cell.masking, key, None) is not None and f"{MASK}.{key}" in params:
            params[key] = params[f"{MASK}.{key}"]
    return params | {"model.weights_digest": cell.model.digest()}


def flat_params(config: DictConfig, choices: Mapping[str, Any]) -> dict[str, str]:
    """Return the configuration as flat keys joined by dots; a group's value is its option's name.

    Example:
        >>> config = OmegaConf.create({"ratio": 0.3, "masking": {"_target_": "x", "patch": 16}})
        >>> flat_params(config, {"masking": "percent"})
        {'masking': 'percent', 'ratio': '0.3', 'masking.patch': '16'}
    """
    params = {group: str(choices[group]) for group in GROUPS if group in choices}
    # Measures are tags; a plan has no run.
    kept = [str(key) for key in config if key not in ("measures", "plan")]

    def walk(node: Any, prefix: str) -> None:
        # A mapping of the user's own names, such as a label map, is one value.
        if isinstance(node, dict) and all(str(key).isidentifier() for key in node):
            for key, value in node.items():
                if key != "_target_":
                    walk(value, f"{prefix}.{key}" if prefix else str(key))
        else:
            params[prefix] = plain_name(str(node))

    walk(OmegaConf.to_container(OmegaConf.masked_copy(config, kept), resolve=True), "")
    return params
