"""The rendered data set as an option of ``dataset``: rendered once, then found on disk."""

import csv
import logging
import os
from collections.abc import Collection
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from clip_har.core.atomic import whole_file
from clip_har.core.cache import cached, disk_errors, key_of, lock_of
from clip_har.core.checksum import MANIFEST, read_manifest, write_manifest
from clip_har.core.settings import Role, Settings
from clip_har.data.clips import Clip, ClipSet

log = logging.getLogger(__name__)

LICENCE = "Apache-2.0: rendered by this package, no footage of any person."

_WHAT, _SETTING = "rendered clips", "dataset.cache_dir"
_TABLE = "clips.csv"
_TIME = (315532800, 315532800)  # 1980: decoded frames of a clip stay valid if it is rendered again
_RENDERERS = ("clip_har.synthetic.plan", "clip_har.synthetic.write")


class Synthetic(Settings):
    """Rendered actions in rendered scenes, with a planted scene bias.

    Attributes:
        cache_dir: where rendered sets are kept, one folder each.
        subset: the split; its subjects (the groups) appear in no other split.
        count: number of clips, spread evenly over the 20 actions.
        scene_bias: share of the clips that are in their action's own scene; the others are spread
            evenly over the other scenes, so that 1/20 is the unbiased value.
        variant: what is shown: ``full``, ``background`` (without person and object), ``person``
            (on plain grey) or ``frozen`` (one frame, repeated).
        seed: of the rendered clips; another seed gives other clips and subjects. The names of
            clips and groups do not hold it: ``test-003`` is another person under another seed.
        subjects: number of subjects; None for 40, 12 or 16 in train, val and test. A class with
            fewer clips than subjects shows some of them.
        workers: processes that render; None for all cores.
        train_count: number of clips of the training split that noise is learned from.
        train_seed: of those clips. 0 is the seed of the tiny model's own training clips: noise
            that is learned on them is learned on subjects that this model knows.
    """

    caution: ClassVar[str] = "the clips are rendered"
    brings_maps: ClassVar[bool] = True

    cache_dir: Annotated[Path, Role.RUN]
    subset: Literal["train", "val", "test"] = "test"
    count: int = Field(default=400, ge=1)
    scene_bias: float = Field(default=0.9, ge=0, le=1)
    variant: Literal["full", "background", "person", "frozen"] = "full"
    seed: int = Field(default=0, ge=0)
    subjects: int | None = Field(default=None, ge=1)
    workers: Annotated[int | None, Field(ge=1), Role.RUN] = None
    train_count: Annotated[int, Field(ge=1), Role.NOISE] = 1000
    train_seed: Annotated[int, Field(ge=0), Role.NOISE] = 1

    def training(self) -> "Synthetic":
        """Return the training split that noise is learned from: full clips of other subjects."""
        training = {"subset": "train", "count": self.train_count, "seed": self.train_seed}
        return self.model_copy(update={**training, "variant": "full", "subjects": None})

    def folder(self) -> Path:
        """Return the set's folder; its name holds the key of all that decides the pixels."""
        others = self.fields_for(Role.RUN, Role.NOISE)  # these do not change the clips
        # exclude_none: without ``subjects``, a set keeps the key that it had before this setting
        shaped = self.model_dump(mode="json", exclude=others, exclude_none=True)
        key = key_of(shaped, code=_RENDERERS)
        return self.cache_dir.expanduser().absolute() / f"{self.subset}-{key}"

    def clips(self) -> ClipSet:
        """Render the clips if they are not there yet, and return them.

        The files are compared with their checksums once in a process; damaged ones are rendered
        again.

        Raises:
            ClipHarError: when they cannot be written.
        """
        folder = self.folder()
        rows = cached(folder, _WHAT, read=_rows, make=self._render, setting=_SETTING)
        if not self._mend(folder, rows):
            rows = cached(folder, _WHAT, read=_rows, make=self._render, setting=_SETTING)
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

    def _render(self, folder: Path) -> None:
        log.info("rendering %d clips (once, into %s)", self.count, folder.parent)
        self._fill(folder)
        for path in folder.rglob("*.mp4"):
            os.utime(path, _TIME)
        write_manifest(folder)

    def _mend(self, folder: Path, rows: list[dict[str, str]]) -> bool:
        """Render the damaged clips of a folder again, each file in one step.

        Returns:
            False if other bytes were rendered than before, as on another kind of processor: then
            all clips must be rendered again.
        """
        manifest = read_manifest(folder)
        if manifest is None or not manifest.damaged():
            return manifest is not None
        with disk_errors(folder, _WHAT, _SETTING), lock_of(folder):
            damaged = manifest.damaged()  # another process may have mended them meanwhile
            clips = {row["clip_id"] for row in rows if {row["path"], row["map"]} & {*damaged}}
            with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
                self._fill(Path(temporary), only=clips)
                for name in damaged:
                    with whole_file(folder / name) as file:
                        file.write_bytes((Path(temporary) / name).read_bytes())
                        os.utime(file, _TIME)
            if manifest.damaged():
                (folder / MANIFEST).unlink(missing_ok=True)
                return False
            log.warning("%s: %d files were damaged: rendered again", folder, len(damaged))
        return True

    def _fill(self, folder: Path, *, only: Collection[str] | None = None) -> None:
        """Render clips into a folder: all, or those with the ids in ``only``."""
        from clip_har.core.progress import track
        from clip_har.synthetic.plan import plan_clips
        from clip_har.synthetic.write import fill_folder

        specs = plan_clips(
            seed=self.seed,
            clips=self.count,
            scene_bias=self.scene_bias,
            split=self.subset,
            subjects=self.subjects,
        )
        if only is not None:
            specs = [spec for spec in specs if spec.clip_id in only]
        with track(len(specs), "rendering") as advance:
            fill_folder(
                folder,
                specs,
                workers=min(self.workers or os.cpu_count() or 1, max(1, len(specs) // 8)),
                advance=advance,
                variant=self.variant,
            )


def _rows(folder: Path) -> list[dict[str, str]] | None:
    """Return the rows of a rendered set; None if it is not there, or its table is damaged."""
    manifest = read_manifest(folder)
    if manifest is None or not manifest.holds(_TABLE):
        return None
    try:
        with (folder / _TABLE).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError:  # another process makes all again
        return None


@cache
def _class_names() -> tuple[str, ...]:
    from clip_har.synthetic.actions import ACTIONS

    return tuple(action.name for action in ACTIONS)
