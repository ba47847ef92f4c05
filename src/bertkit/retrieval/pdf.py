"""PDF: the text of its pages, through pypdf, an optional extra."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

from bertkit.config.extras import load_extra
from bertkit.errors import InputError, UserError
from bertkit.retrieval.documents import FieldValue, SourceDocument, TextBlock
from bertkit.retrieval.plain_text import text_blocks
from bertkit.retrieval.traced import Stretch, Traced

FACTS = ("title", "author", "subject")


def read_pdf(content: bytes, name: str) -> SourceDocument:
    """The document; offsets are those of a page's own text, as pypdf gives it.

    Raises:
        UserError: pypdf is not installed.
        InputError: it is damaged, needs a password, or has no text at all, as a scan has none.
    """
    try:
        pypdf: Any = load_extra("pypdf", "pdf")
    except UserError as error:
        raise error.at(name) from None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of every odd byte of a file that it can read
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError(f"{name}: needs a password", "Save a copy without one.")
        blocks = [block for number, page in enumerate(reader.pages, 1) for block in _page(page, number)]
        facts = reader.metadata or {}
        fields: dict[str, FieldValue] = {
            fact: str(facts[key]) for fact in FACTS if facts.get(key := f"/{fact.capitalize()}")
        }
    except InputError:
        raise
    except Exception as error:  # of a damaged file pypdf raises whatever its parts do
        reason = str(error).strip().splitlines()
        raise InputError(f"{name}: not a PDF, or damaged: {reason[0] if reason else type(error).__name__}") from None
    if not blocks:
        raise InputError(f"{name}: has no text; are its pages pictures?", "Have a program recognise its text first.")
    return SourceDocument(blocks, fields)


def _page(page: Any, number: int) -> Iterator[TextBlock]:
    for block in text_blocks(page.extract_text()):
        (run,) = block.text.runs
        yield TextBlock(Traced(block.text.text, (Stretch(0, run.source, 0),)), page=number)
