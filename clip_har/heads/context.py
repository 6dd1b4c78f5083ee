"""Texts whose first words are vectors: the same vectors in front of every class name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Embedding
from torch.nn.functional import normalize
from torch.utils.checkpoint import checkpoint

from clip_har.core.errors import ClipHarError
from clip_har.models.dual_encoder import DualEncoder

CONTEXT = "a photo of a"
"""The words that the vectors start from, as in the code of CoOp; there are as many vectors as the
model has tokens for them."""

_TEXTS = 128  # whose activations are in memory at once
_SAME = 1e-3  # largest difference of embeddings with and without vectors, in float32


@dataclass(frozen=True, eq=False)
class ContextTexts:
    """The texts of C classes; the token embeddings of their first words can be replaced.

    The numbers of the tokens stay, so the text tower finds the end of a text, its padding and its
    positions as in any text, also after class names of several tokens.

    Attributes:
        model: the dual encoder.
        tokens: what the tokenizer makes of the texts, ``(C, L)`` each.
        table: the network's table of token embeddings.
        first: the place of the first vector.
        words: ``(M, W)`` float32 on the model's device, the token embeddings of the words.
    """

    model: DualEncoder
    tokens: Mapping[str, Tensor]
    table: Embedding
    first: int
    words: Tensor

    def embed(self, vectors: Tensor) -> Tensor:
        """Return the class embeddings ``(C, D)`` float32, L2-normalised; gradients flow.

        Many texts pass in several parts, whose activations are computed again for the gradient.

        Args:
            vectors: ``(M, W)`` in place of the words.
        """
        count = len(self.tokens["input_ids"])
        if count <= _TEXTS:
            return self._part(vectors, 0, count)
        return torch.cat(
            [
                checkpoint(self._part, vectors, start, start + _TEXTS, use_reentrant=False)
                for start in range(0, count, _TEXTS)
            ]
        )

    def _part(self, vectors: Tensor, start: int, end: int) -> Tensor:
        def replaced(_: Any, __: Any, embedded: Tensor) -> Tensor:
            given = vectors.to(embedded).expand(len(embedded), -1, -1)
            after = self.first + len(vectors)
            return torch.cat([embedded[:, : self.first], given, embedded[:, after:]], dim=1)

        hook = self.table.register_forward_hook(replaced)
        try:
            part = {name: rows[start:end] for name, rows in self.tokens.items()}
            return normalize(self.model.features_of_tokens(part).float(), dim=-1)
        finally:
            hook.remove()


def open_texts(model: DualEncoder, names: Sequence[str], context: str = CONTEXT) -> ContextTexts:
    """Find the words' places in the texts, and the text tower's table of token embeddings.

    The table is the `torch.nn.Embedding` that is asked for the tokens' numbers, so this works for
    the dual encoders of transformers and of open_clip. Then it is tried: with the words' own
    vectors the class embeddings must be those of the texts, and a gradient must reach the vectors.

    Args:
        model: the dual encoder.
        names: C class names; the texts are ``"<context> <name>"``.
        context: the words in front of every name.

    Raises:
        ClipHarError: when the text tower cannot be reached in this way.
    """
    texts = [f"{context} {name}" for name in names]
    try:
        tokens = model.tokens(texts)
        first, after = _places(model, tokens["input_ids"], context)
        table, embedded = _table(model, tokens)
        found = ContextTexts(model, tokens, table, first, embedded[0, first:after].float().clone())
        _try_out(found, texts)
    except ClipHarError:
        raise
    except Exception as error:  # a text tower that nobody has seen may raise any error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClipHarError(f"vectors cannot be put before its texts ({reason})") from error
    return found


def _places(model: DualEncoder, numbers: Tensor, context: str) -> tuple[int, int]:
    """Return the place of the context's first token in all texts, and the place after its last."""
    alone, empty = (model.tokens([text])["input_ids"][0] for text in (context, ""))
    first = _same_start(alone, empty)
    after = {_same_start(alone, row) for row in numbers}
    if len(after) > 1 or max(after) <= first:
        raise ClipHarError("its tokenizer does not put the same tokens first in all texts")
    return first, after.pop()


def _same_start(one: Tensor, other: Tensor) -> int:
    """Return how many of the first tokens are the same."""
    count = min(len(one), len(other))
    return int((one[:count] == other[:count]).long().cumprod(dim=0).sum())


def _table(model: DualEncoder, tokens: Mapping[str, Tensor]) -> tuple[Embedding, Tensor]:
    """Return the table of token embeddings, and what it gives: ``(C, L, W)``."""
    numbers, asked = tokens["input_ids"], []

    def noted(table: Any, given: tuple[Any, ...], embedded: Tensor) -> None:
        # A tower may leave out the last places, for tokens of its own.
        is_asked = (
            bool(given)
            and given[0].ndim == 2
            and torch.equal(given[0], numbers[:, : given[0].shape[1]])
        )
        if is_asked:
            asked.append((table, embedded.clone()))  # BLIP adds positions in place

    tables = [module for module in model.network.modules() if isinstance(module, Embedding)]
    hooks = [table.register_forward_hook(noted) for table in tables]
    try:
        with torch.no_grad():
            model.features_of_tokens(tokens)
    finally:
        for hook in hooks:
            hook.remove()
    if len(asked) != 1:
        raise ClipHarError(f"its text tower asks {len(asked)} tables for the tokens, not one")
    return asked[0]


def _try_out(texts: ContextTexts, written: Sequence[str]) -> None:
    vectors = texts.words.clone().requires_grad_()
    found = texts.embed(vectors)
    if texts.model.dtype == torch.float32:
        plain = texts.model.encode_texts(written).to(found.device)
        if not torch.allclose(found.detach(), plain, atol=_SAME):
            raise ClipHarError("its texts have other embeddings if their words come as vectors")
    (gradient,) = torch.autograd.grad(found.square().sum() + found[:, 0].sum(), vectors)
    if not gradient.any():
        raise ClipHarError("its text embeddings do not depend on the vectors")
