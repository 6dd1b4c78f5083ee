"""The weights of a fine-tuned CLIP from one file, in place of those of the base checkpoint."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clip_har.core.errors import ClipHarError
from clip_har.models.openai_names import TOKENS, in_transformers, is_harmless, plain_name

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

SETTING = "model.weights"
_OF_VIFI = "text_encoder."  # its state dict has no token embeddings: they are the base checkpoint's
_OF_OPEN_VCLIP = "model.visual."
_NAMED = 3  # tensors in a message


@dataclass(frozen=True)
class TunedWeights:
    """A file of fine-tuned weights.

    Attributes:
        path: a safetensors file, as ``clip-har-convert`` writes it.
        base_share: the share of the base checkpoint's weights in [0, 1), as Open-VCLIP interpolates
            between CLIP and the fine-tuned model: ``base_share * base + (1 - base_share) * tuned``.
        frames_alone: whether each frame is embedded alone.
    """

    path: Path
    base_share: float = 0.0
    frames_alone: bool = True

    def check(self) -> None:
        """Check quickly that the file is there and is not a pickle.

        Raises:
            ClipHarError: when it is not.
        """
        if self.path.suffix != ".safetensors":
            raise ClipHarError(
                f"{SETTING}={self.path}: expected a .safetensors file; a pickle is never read here:"
                " convert it once with clip-har-convert IN.pth OUT.safetensors"
            )
        if not self.path.is_file():
            raise ClipHarError(f"{SETTING}={self.path}: no such file")

    def digest(self, base: str) -> str:
        """Return a SHA-256 of the weights that result.

        Args:
            base: digest of the base checkpoint.
        """
        self.check()
        status = self.path.stat()
        own = _file_digest(self.path, status.st_size, status.st_mtime_ns)
        return hashlib.sha256(f"{base} {own} {self.base_share}".encode()).hexdigest()

    def apply(self, network: Any) -> None:
        """Put the weights into a network that holds those of the base checkpoint.

        Args:
            network: a CLIP of transformers, float32.

        Raises:
            ClipHarError: when a tensor is missing, has no place, is of another shape, or holds
                whole numbers.
        """
        import torch

        state = network.state_dict()
        found = self.read(state)
        with torch.no_grad():
            for name, tuned in found.items():
                state[name].copy_(tuned.to(state[name].dtype).lerp(state[name], self.base_share))

    def read(self, base: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
        """Return the weights under transformers' names, and compare them with the base checkpoint.

        Args:
            base: the state dict of the base checkpoint's network.

        Raises:
            ClipHarError: see `apply`.
        """
        from safetensors import SafetensorError, safe_open

        self.check()
        found: dict[str, Tensor] = {}
        unused: list[str] = []
        names: list[str] = []
        try:
            with safe_open(self.path, "pt") as file:
                names = list(file.keys())
                for name in names:
                    plain = plain_name(name)
                    if is_harmless(plain):
                        continue
                    tensor = file.get_tensor(name)
                    named = {plain: tensor} if plain in base else in_transformers(plain, tensor)
                    if twice := sorted(set(named or {}) & set(found)):
                        raise ClipHarError(
                            f"{SETTING}={self.path}: {twice[0]} is there twice, also as {name}:"
                            " the file holds two models"
                        )
                    found.update(named or {})
                    unused += [] if named else [name]
        except SafetensorError as error:
            raise ClipHarError(f"{SETTING}={self.path}: no safetensors file ({error})") from error
        if self.frames_alone and any(name.startswith(_OF_OPEN_VCLIP) for name in names):
            log.warning(
                "%s=%s: its names are those of Open-VCLIP and FROSTER, whose frames attend to their"
                " neighbours: model=open_vclip does this, model=clip embeds each frame alone",
                SETTING, self.path,
            )  # fmt: skip
        self._compare(found, unused, base, vifi=any(_OF_VIFI in name for name in names))
        return found

    def _compare(
        self,
        found: "Mapping[str, Tensor]",
        unused: list[str],
        base: "Mapping[str, Tensor]",
        *,
        vifi: bool,
    ) -> None:
        if unused:
            raise ClipHarError(
                f"{SETTING}={self.path}: {_some(unused)} {_have(unused)} no place in a CLIP: the"
                " model has parts of its own (learned prompts, adapters, a temporal head, a"
                " classifier), without which it is not the published one; only fine-tuned towers of"
                " CLIP are read"
            )
        optional = {name for name in base if is_harmless(name)} | ({TOKENS} if vifi else set())
        if missing := sorted(set(base) - set(found) - optional):
            raise ClipHarError(
                f"{SETTING}={self.path}: {_some(missing)} {_have(missing)} no tensor in the file"
                f" (it has {len(found)} of the {len(base)} of the base checkpoint)"
            )
        for name in sorted(found):
            if not found[name].is_floating_point():
                raise ClipHarError(
                    f"{SETTING}={self.path}: {name} holds whole numbers ({_type(found[name])}):"
                    " expected weights as floating-point numbers; quantised ones cannot be read"
                    " without their scales: save them as float32 or float16"
                )
            if name not in base:
                raise ClipHarError(
                    f"{SETTING}={self.path}: {name} has no place in the base checkpoint, which has"
                    " fewer layers: take the one that the model was fine-tuned from"
                )
            ours, theirs = tuple(base[name].shape), tuple(found[name].shape)
            if ours != theirs:
                raise ClipHarError(
                    f"{SETTING}={self.path}: {name} is of shape {theirs}, and {ours} in the base"
                    " checkpoint: take the one that the model was fine-tuned from"
                    " (model.checkpoint)"
                )


@cache
def _file_digest(path: Path, size: int, changed: int) -> str:  # noqa: ARG001, they name a version
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _type(tensor: "Tensor") -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(sorted(names)[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _have(names: list[str]) -> str:
    return "have" if len(names) > 1 else "has"
