"""A word-level tokenizer, small enough to ship, that transformers loads like any other."""

import re
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase, Replace, Sequence
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

CONTEXT = 24  # tokens
# The end is 3: transformers' CLIP reads a model whose end is 2 as one of its oldest, and then
# looks for the largest token instead of the end token.
PAD, BEGIN, UNKNOWN, END = range(4)
_SPECIAL = ("<pad>", "<begin>", "<unknown>", "<end>")


def words(text: str) -> list[str]:
    """Split a text as the tokenizer does.

    Example:
        >>> words("A person doing push-ups.")
        ['a', 'person', 'doing', 'push', 'ups', '.']
    """
    return re.findall(r"\w+|[^\w\s]+", re.sub(r"[-_]", " ", text.lower()))


def make_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Make a tokenizer that knows all words of some texts.

    Args:
        texts: what it must be able to read; other words become one unknown token.

    Returns:
        The tokenizer, with vocabulary in alphabetical order.
    """
    known = sorted({word for text in texts for word in words(text)})
    vocabulary = {word: number for number, word in enumerate((*_SPECIAL, *known))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=_SPECIAL[UNKNOWN]))
    tokenizer.normalizer = Sequence([Lowercase(), Replace(Regex("[-_]"), " ")])
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single=f"{_SPECIAL[BEGIN]} $A {_SPECIAL[END]}",
        special_tokens=[(_SPECIAL[BEGIN], BEGIN), (_SPECIAL[END], END)],
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=CONTEXT,
        pad_token=_SPECIAL[PAD],
        bos_token=_SPECIAL[BEGIN],
        unk_token=_SPECIAL[UNKNOWN],
        eos_token=_SPECIAL[END],
    )
