"""The names of the heads."""

HEADS = ("linear probe", "tip-adapter", "tip-adapter-f", "logit adjustment", "prompt vectors")
"""Classifiers on frozen embeddings, in the order of tables."""
LINEAR_PROBE, TIP_ADAPTER, TIP_ADAPTER_F, LOGIT_ADJUSTMENT, PROMPT_VECTORS = HEADS
