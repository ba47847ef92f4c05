"""Chunks of one text, read as a whole and pooled apart (Günther et al. 2024, https://arxiv.org/abs/2409.04701).

Each chunk's vector is the mean of its own tokens, which have seen the others; special tokens belong to none.
"""

from __future__ import annotations

from itertools import accumulate
from typing import cast

import numpy as np
from fastapi import Request

from bertkit.errors import EmptyInput, InputError, UserError
from bertkit.formats.rows import Row
from bertkit.inference.served import Manner
from bertkit.server.embedding import EMBEDDING, Embedded, Texts, Wish, inputs_of, prompt_of, shortened
from bertkit.server.exchange import asker_of, service_of
from bertkit.tasks.contract import Array
from bertkit.tasks.feature_extraction import TokenVectors
from bertkit.tasks.sentence_embedding import SentenceEmbedding

BETWEEN = " "


async def embed_late(request: Request, model: str | None, given: Texts, wish: Wish) -> Embedded:
    """A vector of each chunk, the chunks being one text together.

    Raises:
        UserError: the model does not pool by the mean of tokens, or chunks are token ids.
        InputError: a chunk has no token that was read.
        BertkitError: as `Service.answer`.
    """
    service = service_of(request)
    found = service.find(model, EMBEDDING)
    chunks = inputs_of(given)
    service.settings.limits.check_texts(len(chunks))
    if not all(isinstance(one, str) for one in chunks):
        raise UserError("late chunking of token ids", "Send texts, or leave late_chunking out.")
    of_chunks = found.pipeline(Manner.of(normalize=wish.normalize)).task
    if found.token_vectors is None or not isinstance(of_chunks, SentenceEmbedding) or of_chunks.pooling != "mean":
        raise UserError("the model does not take the mean of tokens, which late chunking does", "Leave it out.")
    prompt = prompt_of(found, wish) or of_chunks.prompt
    texts = cast("list[str]", chunks)
    row = Row({"text": prompt + BETWEEN.join(texts)}, "the chunks together")
    manner = Manner.of(service.long(wish.protocol, wish.asked), wish.side)
    answered = await service.answer(found.token_vectors, [row], manner, asker_of(request))
    (tokens,) = answered.answers
    assert isinstance(tokens, TokenVectors)
    starts = accumulate((len(text) + len(BETWEEN) for text in texts), initial=len(prompt))
    vectors_NW = np.stack(
        [
            of_chunks.of_tokens(_tokens(tokens, start, start + len(text), number))
            for number, (text, start) in enumerate(zip(texts, starts, strict=False), 1)
        ]
    )
    if wish.dimensions is not None:
        vectors_NW = shortened(vectors_NW, wish.dimensions, normalize=of_chunks.normalize)
    return Embedded(vectors_NW, answered)


def _tokens(tokens: TokenVectors, start: int, end: int, number: int) -> Array:
    """The vectors of the tokens that begin in a stretch of the text, (tokens, W)."""
    own = [place for place, (first, last) in enumerate(tokens.offsets) if start <= first < end and first < last]
    if not own:
        if tokens.reading.truncated:
            raise InputError(
                f"chunk {number} is behind what the model reads",
                "Send fewer chunks, or start the server with --truncate windows.",
            )
        raise EmptyInput(f"chunk {number} has no tokens")
    return tokens.vectors[own]
