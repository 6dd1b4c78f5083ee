"""The rendered data set as an option of the ``dataset`` group: drawn once, then found on disk."""

import csv
import hashlib
import logging
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from filelock import FileLock
from pydantic import Field

from clip_har.core.code_version import modules_digest
from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role, Settings
from clip_har.data.clips import Clip, ClipSet

log = logging.getLogger(__name__)

LICENCE = "Apache-2.0: drawn by this package, no footage of any person."


class Synthetic(Settings):
    """Rendered actions in rendered scenes, with a planted scene bias.

    Attributes:
        cache_dir: where rendered sets are kept, one folder each.
        subset: its subjects (the groups) appear in no other subset.
        count: number of clips, the same number of each of the 20 actions up to one.
        scene_bias: share of the clips that are set in their action's own scene; the others are in
            a uniform other one, so that 1/20 is the unbiased point.
        variant: ``full``, or a part of the truth: ``background`` (figure and object gone),
            ``person`` (on plain grey), ``frozen`` (one frame, repeated).
        seed: of the drawings; another seed is another set of clips and subjects.
        workers: processes that draw; None for all cores.
        train_count: number of clips of the training part that noise is learned from.
        train_seed: of their drawings. Not that of the clips that the tiny model was trained on:
            it knows those subjects.
    """

    cache_dir: Annotated[Path, Role.RUN]
    subset: Literal["train", "val", "test"] = "test"
    count: int = Field(default=400, ge=1)
    scene_bias: float = Field(default=0.9, ge=0, le=1)
    variant: Literal["full", "background", "person", "frozen"] = "full"
    seed: int = Field(default=0, ge=0)
    workers: Annotated[int | None, Field(ge=1), Role.RUN] = None
    train_count: Annotated[int, Field(ge=1), Role.NOISE] = 1000
    train_seed: Annotated[int, Field(ge=0), Role.NOISE] = 1

    def training(self) -> "Synthetic":
        """Return the part that noise is learned from: whole clips of other subjects."""
        drawn = {"subset": "train", "count": self.train_count, "seed": self.train_seed}
        return self.model_copy(update={**drawn, "variant": "full"})

    def folder(self) -> Path:
        """Return the set's folder; its name says everything that shapes the pixels."""
        others = self.fields_for(Role.RUN, Role.NOISE)  # do not shape these clips
        shaped = self.model_dump_json(exclude=others) + _drawing_code()
        key = hashlib.blake2b(shaped.encode(), digest_size=8).hexdigest()
        return self.cache_dir.expanduser().absolute() / f"{self.subset}-{key}"

    def clips(self) -> ClipSet:
        """Draw the clips where they are not there yet, and return them.

        Raises:
            ClipHarError: when they cannot be written.
        """
        folder = self.folder()
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                if not (folder / "clips.csv").is_file():
                    self._draw(folder)
            with (folder / "clips.csv").open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except OSError as error:
            raise ClipHarError(
                f"dataset.cache_dir={self.cache_dir}: the rendered clips cannot be written"
                f" ({error.strerror})"
            ) from error
        names = _class_names()
        return ClipSet(
            name=f"synthetic/{self.subset}/bias{self.scene_bias:g}"
            + ("" if self.variant == "full" else f"/{self.variant}"),
            class_names=names,
            clips=tuple(
                Clip(
                    id=row["clip_id"],
                    path=folder / row["path"],
                    label=names.index(row["label"]),
                    group=row["group"],
                    maps=folder / row["map"],
                    attributes={
                        "scene": row["scene"],
                        "usual_scene": "yes" if row["biased"] == "1" else "no",
                    },
                )
                for row in rows
            ),
            licence=LICENCE,
            citation="",
        )

    def _draw(self, folder: Path) -> None:
        from clip_har.core.progress import track
        from clip_har.synthetic.plan import plan_clips
        from clip_har.synthetic.write import write_clips

        log.info("drawing %d clips (once, into %s)", self.count, folder.parent)
        shutil.rmtree(folder, ignore_errors=True)  # a set without its list is not whole
        specs = plan_clips(
            seed=self.seed,
            clips=self.count,
            scene_bias=self.scene_bias,
            split=self.subset,
        )
        with track(len(specs), "drawing") as advance:
            write_clips(
                folder,
                specs,
                workers=self.workers or os.cpu_count() or 1,
                progress=lambda *_: advance(1),
                variant=self.variant,
            )


@cache
def _class_names() -> tuple[str, ...]:
    from clip_har.synthetic.actions import ACTIONS

    return tuple(action.name for action in ACTIONS)


@cache
def _drawing_code() -> str:
    """Return a digest of the modules that draw: other code, other pixels, another set."""
    return modules_digest(Path(__file__).parent)
