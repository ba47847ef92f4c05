from __future__ import annotations

from bertkit.retrieval.documents import SourceDocument, TextBlock
from bertkit.retrieval.traced import LineStarts


def test_a_document_is_its_blocks_and_what_else_is_known() -> None:
    block = TextBlock(LineStarts("a").traced("a", 0))
    assert (block.heading, block.page) == ("", None)
    document = SourceDocument([block])
    assert ([*document.blocks], document.fields, document.row) == ([block], {}, None)
