"""Text files that are not UTF-8 with LF or CRLF line ends, where that can be told: their bytes as if they were.

UTF-16 and UTF-32 say so by a byte order mark. Without one UTF-16 is told by its zero bytes, every second one, where
there is enough ASCII in it. Line ends of a lone CR (Mac OS before X) are told by a beginning that has no other. Bytes
that no text has, such as those of a Parquet file, are left as they are.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from typing import IO, TYPE_CHECKING, Any

from bertkit.errors import InputError

if TYPE_CHECKING:
    from bertkit.formats.notes import Note

HEAD_BYTES = 2**16  # of what is looked at
_MARKS = (  # UTF-32 first: its little-endian mark begins as that of UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEAST_ZEROS = 0.3  # of every second byte: the share of ASCII characters
_FEW_BYTES, _LEAST_ZEROS_OF_FEW = 64, 0.6  # one zero among a few bytes is not UTF-16
_MOST_OTHERS = 0.1  # of the bytes between, which are zero in few other characters
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)  # what compressed bytes raise
CONVERT = "Convert the file to UTF-8 with LF line ends."


def head_of(file: IO[bytes]) -> bytes:
    """What comes next of a stream, as much as there is at once and without taking it.

    Raises:
        EOFError, zlib.error, BadGzipFile: it is damaged, and whoever reads on would find its end.
    """
    try:
        return file.peek(HEAD_BYTES)  # type: ignore[attr-defined,no-any-return]  # all that are read can do it
    except DAMAGED:
        try:
            again: bytes = file.peek(HEAD_BYTES)  # type: ignore[attr-defined]
        except DAMAGED:
            return b""  # told, with its line, when it is read
        if again:
            return again
        raise


def as_utf8(file: IO[bytes], name: str, note: Note) -> IO[bytes]:
    """The same bytes, or in UTF-8 and with LF line ends those of a file that is written in another way.

    Args:
        file: can `peek`.
        name: how messages call it.
        note: takes a line where the way of writing is a guess.
    """
    head = head_of(file)
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if encoding is None and (encoding := _by_zeros(head)) is not None:
        note(f"{name}: read as {encoding.upper()}, by its zero bytes; it has no byte order mark")
    text = head.decode(encoding or "utf-8", errors="replace")
    old_mac = "\n" not in text and "\r" in text[:-1] and _is_text(text)  # the last one may be half of CRLF
    if old_mac:
        note(f"{name}: read with CR as line ends, as old Macs wrote them")
    if encoding is None and not old_mac:
        return file
    recoded: Any = _Recoded(file, encoding, name, old_mac=old_mac)  # typeshed asks for more than is used
    return io.BufferedReader(recoded, HEAD_BYTES)


def _by_zeros(head: bytes) -> str | None:
    """UTF-16 in one of its orders, where ASCII characters are many enough, and all that is there is text."""
    share = _LEAST_ZEROS if len(head) >= _FEW_BYTES else _LEAST_ZEROS_OF_FEW
    least, most = share * len(head) / 2, _MOST_OTHERS * len(head) / 2
    first, second = head[0::2].count(0), head[1::2].count(0)
    told = "utf-16-le" if second > least and first < most else "utf-16-be" if first > least and second < most else None
    return told if told and _is_text(head.decode(told, errors="replace")) else None


def _is_text(beginning: str) -> bool:
    """Whether it has no control character but those that texts have."""
    return all(one >= " " or one in "\t\r\n\f" for one in beginning)


class _Recoded(io.RawIOBase):
    """Bytes of one encoding (None: UTF-8, in which bad bytes stay as they are) as UTF-8, a piece at a time."""

    def __init__(self, source: IO[bytes], encoding: str | None, name: str, *, old_mac: bool) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding or "utf-8")("strict" if encoding else "surrogateescape")
        self._name, self._old_mac = name, old_mac
        self._held = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._held and not self._ended:
            piece = self._source.read(len(head_of(self._source)))
            self._ended = not piece
            self._held = self._recoded(piece)
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        return count

    def _recoded(self, piece: bytes) -> bytes:
        try:
            text = self._decoder.decode(piece, final=self._ended)
        except UnicodeDecodeError as error:
            raise InputError(f"{self._name}: not valid {error.encoding.upper()}: {error.reason}", CONVERT) from None
        if self._old_mac:
            if "\n" in text:
                raise InputError(f"{self._name}: line ends of CR alone, and others further on", CONVERT)
            text = text.replace("\r", "\n")
        return text.encode("utf-8", "surrogateescape")
