"""The folder of a cell's result, and the files and folders that stand beside it."""

from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from clip_har.core.errors import ClipHarError
from clip_har.data.shards import Shard


@dataclass(frozen=True)
class CellFolder:
    """Where a cell's result is, or will be: ``RESULTS_DIR/cells/FINGERPRINT``.

    Attributes:
        path: the folder of the result.
    """

    path: Path

    @property
    def results_dir(self) -> Path:
        """The folder of all results."""
        return self.path.parents[1]

    @property
    def fingerprint(self) -> str:
        """The cell's fingerprint."""
        return self.path.name

    @property
    def failed(self) -> Path:
        """The file with the error of an earlier failed run."""
        return self.path.with_suffix(".failed")

    @property
    def unsent(self) -> Path:
        """A file that exists while the tracking store lacks the result or its present numbers."""
        return self.path.with_suffix(".unsent")

    @property
    def shards(self) -> Path:
        """The folder of the cell's shards; it is removed when they are merged."""
        return self.path.with_suffix(".shards")

    def lock(self) -> FileLock:
        """Return the cell's lock.

        Two cells with one fingerprint (``masking=none`` under two ratios) run one after the other,
        and the second finds the first one's result.
        """
        return FileLock(self.path.with_suffix(".lock"))

    def shard(self, shard: Shard) -> Path:
        """Return the folder of a shard's score tables."""
        return self.shards / f"{shard.number}of{shard.count}"

    def find_shards(self, count: int | None = None) -> tuple[list[Path], list[Shard]]:
        """Look for finished shards.

        Args:
            count: look only for splits into this number of shards; None for any.

        Returns:
            The folders of all shards of one split, empty if no split is complete; and the missing
            shards of the split that is most complete.
        """
        done: dict[int, set[int]] = {}
        for path in self.shards.glob("*of*"):
            number, _, of = path.name.partition("of")
            if path.is_dir() and number.isdecimal() and of.isdecimal() and count in {None, int(of)}:
                done.setdefault(int(of), set()).add(int(number))
        if not done:
            return [], []
        nearest = min(done, key=lambda split: (split - len(done[split]), split))
        shards = [Shard(number, nearest) for number in range(1, nearest + 1)]
        missing = [shard for shard in shards if shard.number not in done[nearest]]
        return ([] if missing else [self.shard(shard) for shard in shards]), missing

    def finished_shards(self, name: str) -> list[Path]:
        """Return the folders with the score tables of all shards; empty without shards.

        Args:
            name: the cell's name, for messages.

        Raises:
            ClipHarError: when some shards are missing, so that a cell that was split because of
                its size is not evaluated as a whole by mistake.
        """
        folders, missing = self.find_shards()
        if missing:
            raise ClipHarError(
                f"{name}: no result yet for shard {' and '.join(map(str, missing))}: run it with"
                f" shard={missing[0]}, or remove {self.shards} to evaluate all clips in one run"
            )
        return folders
