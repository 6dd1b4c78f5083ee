"""Random numbers that depend on their purpose only, never on order, batch, process or machine."""

import hashlib

import numpy as np


def generator(seed: int, purpose: str, item: str) -> np.random.Generator:
    """Return the generator of one purpose for one item.

    Args:
        seed: the root ``seed`` of the run.
        purpose: what the numbers are used for, such as ``"mask/percent"``; each purpose has an
            independent stream.
        item: which item they are used for, usually a clip id.

    Returns:
        A counter-based (Philox) generator keyed by a BLAKE2b hash of the three arguments.

    Example:
        >>> a = generator(0, "mask/percent", "clip 1").random()
        >>> a == generator(0, "mask/percent", "clip 1").random()
        True
        >>> a == generator(0, "mask/percent", "clip 2").random()
        False
    """
    text = f"{seed}\x1f{purpose}\x1f{item}".encode()
    key = np.frombuffer(hashlib.blake2b(text, digest_size=16).digest(), dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))
