"""What the inputs and outputs of an exported network are called: as the hub's programs call them. Torch-free."""

from __future__ import annotations

from bertkit.config.readout import Readout

IDS, MASK, SEGMENTS = "input_ids", "attention_mask", "token_type_ids"
HIDDEN, TOKENS, VECTOR = "last_hidden_state", "token_embeddings", "sentence_embedding"
LOGITS, SCORES = "logits", "scores"
START, END = "start_logits", "end_logits"
SPANS = "question-answering"  # the head whose two numbers a token have a name each


def names_of(readout: Readout) -> tuple[str, ...]:
    """The outputs that a readout is made of; of embeddings, of which a graph may have either, the first that it has."""
    if readout.pooling:
        return (TOKENS, HIDDEN)
    if readout.head is None:
        return (HIDDEN,) if readout.rows == "token" else (LOGITS,)
    return (START, END) if readout.head == SPANS else (LOGITS,)
