from __future__ import annotations

import io
import sys

import pytest

from bertkit.errors import InputError, UserError
from bertkit.retrieval.pdf import read_pdf


def pdf(*pages: str, title: str = "", password: str = "") -> bytes:
    """A file whose pages say so."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    for text in pages:
        page = writer.add_blank_page(300, 300)
        font = {"/Type": NameObject("/Font"), "/Subtype": NameObject("/Type1"), "/BaseFont": NameObject("/Helvetica")}
        fonts = DictionaryObject({NameObject("/F1"): DictionaryObject({NameObject(k): v for k, v in font.items()})})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    if title:
        writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(password)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_pages_are_numbered_and_the_title_is_a_field() -> None:
    document = read_pdf(pdf("The first page.", "The second one.", title="A report"), "a.pdf")
    assert [(block.page, block.text.text) for block in document.blocks] == [
        (1, "The first page."),
        (2, "The second one."),
    ]
    assert document.fields["title"] == "A report"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.4 cut", "not a PDF, or damaged"),
        (b"no pdf at all", "not a PDF, or damaged"),
        (pdf(""), "are its pages pictures"),
    ],
)
def test_what_cannot_be_read_is_named(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=rf"a\.pdf: .*{words}"):
        read_pdf(content, "a.pdf")


def test_without_pypdf_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with pytest.raises(UserError, match="pypdf is not installed") as caught:
        read_pdf(b"", "a.pdf")
    assert "bertkit[pdf]" in caught.value.remedy
