"""Long texts: every token is shown, exactly one window owns it, and that is the one with the most context."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing

from bertkit.errors import TextTooLong, UserError
from bertkit.tokenization.template import Frame, SpecialTokens, Template
from bertkit.tokenization.tokens import Tokens
from bertkit.tokenization.windows import Encoded, LongText, cut, longest_first, shares, spans, window_room

CLS, SEP = 1, 2
BERT = Template(
    single=Frame(SpecialTokens([CLS], [0]), 0, SpecialTokens([], []), 0, SpecialTokens([SEP], [0])),
    pair=Frame(SpecialTokens([CLS], [0]), 0, SpecialTokens([SEP], [0]), 1, SpecialTokens([SEP], [1])),
)
ROBERTA = Template(
    single=Frame(SpecialTokens([CLS], [0]), 0, SpecialTokens([], []), 0, SpecialTokens([SEP], [0])),
    pair=Frame(SpecialTokens([CLS], [0]), 0, SpecialTokens([SEP, SEP], [0, 0]), 0, SpecialTokens([SEP], [0])),
)
CLS_LAST = Template(
    single=Frame(SpecialTokens([], []), 0, SpecialTokens([], []), 0, SpecialTokens([SEP, CLS], [0, 2])),
    pair=Frame(SpecialTokens([], []), 0, SpecialTokens([SEP], [0]), 1, SpecialTokens([SEP, CLS], [1, 2])),
)
TEMPLATES = st.sampled_from([BERT, ROBERTA, CLS_LAST])


def text(length: int, start: int = 100) -> Tokens:
    """Tokens whose ids and offsets all differ, so that each can be found again."""
    return Tokens(list(range(start, start + length)), [(10 * i, 10 * i + 3) for i in range(length)])


def owned_ids(encoded: Encoded, which: int) -> list[int]:
    return [window.ids[place] for window in encoded.windows for place in window.owned[which]]


def test_a_text_that_fits_is_one_window_whatever_the_policy() -> None:
    for long in LongText:
        encoded = cut(text(3), None, BERT, limit=5, long=long, overlap=0)
        (window,) = encoded.windows
        assert window.ids == [CLS, 100, 101, 102, SEP]
        assert window.segments == [0, 0, 0, 0, 0]
        assert window.offsets == [(0, 0), (0, 3), (10, 13), (20, 23), (0, 0)]
        assert window.owned == [range(1, 4)]
        assert (encoded.input_tokens, encoded.truncated) == (5, False)


def test_a_text_that_is_cut_at_its_beginning() -> None:
    """Offsets and what is owned go with the tokens that stay; of a pair the longer text loses its beginning first."""
    left = replace(BERT, truncation_side="left")
    encoded = cut(text(9), None, left, limit=5, long=LongText.TRUNCATE)
    (window,) = encoded.windows
    assert (window.ids, encoded.input_tokens, encoded.truncated) == ([CLS, 106, 107, 108, SEP], 11, True)
    assert window.offsets == [(0, 0), (60, 63), (70, 73), (80, 83), (0, 0)]
    assert window.owned == window.parts == [range(1, 4)]
    (window,) = cut(text(2), text(9, 500), left, limit=8, long=LongText.TRUNCATE).windows
    assert window.ids == [CLS, 100, 101, SEP, 506, 507, 508, SEP]
    assert window.owned == [range(1, 3), range(4, 7)]
    assert cut(text(2), None, left, limit=5, long=LongText.TRUNCATE).windows[0].ids == [CLS, 100, 101, SEP]


def test_a_pair_that_fits() -> None:
    encoded = cut(text(2), text(1, 500), BERT, limit=6, long=LongText.ERROR)
    (window,) = encoded.windows
    assert window.ids == [CLS, 100, 101, SEP, 500, SEP]
    assert window.segments == [0, 0, 0, 0, 1, 1]
    assert window.offsets == [(0, 0), (0, 3), (10, 13), (0, 0), (0, 3), (0, 0)]
    assert window.owned == [range(1, 3), range(4, 5)]
    assert encoded.input_tokens == 6


def test_an_empty_text_is_its_special_tokens() -> None:
    (window,) = cut(text(0), None, BERT, limit=2, long=LongText.ERROR).windows
    assert (window.ids, window.owned) == ([CLS, SEP], [range(1, 1)])


def test_an_empty_second_text_is_still_a_pair() -> None:
    (window,) = cut(text(1), text(0), BERT, limit=9, long=LongText.ERROR).windows
    assert (window.ids, window.segments) == ([CLS, 100, SEP, SEP], [0, 0, 0, 1])


def test_no_offsets_in_no_offsets_out() -> None:
    for second in (None, Tokens([7]), text(1)):
        (window,) = cut(Tokens([5, 6]), second, BERT, limit=9, long=LongText.ERROR).windows
        assert window.offsets is None
    assert cut(text(2), Tokens([7]), BERT, limit=9, long=LongText.ERROR).windows[0].offsets is None


def test_windows_do_not_share_lists_with_the_template() -> None:
    window = cut(text(1), None, BERT, limit=9, long=LongText.ERROR).windows[0]
    window.ids.append(9)
    window.segments.append(9)
    assert cut(text(1), None, BERT, limit=9, long=LongText.ERROR).windows[0].ids == [CLS, 100, SEP]
    assert cut(text(0), None, CLS_LAST, limit=9, long=LongText.ERROR).windows[0].ids == [SEP, CLS]


def test_error_names_tokens_and_limit() -> None:
    with pytest.raises(TextTooLong) as caught:
        cut(text(4), None, BERT, limit=5, long=LongText.ERROR)
    assert str(caught.value) == "the text has 6 tokens, special tokens included; the limit is 5"
    assert "--long window" in caught.value.remedy


def test_truncate_drops_the_end_and_says_so() -> None:
    encoded = cut(text(9), None, BERT, limit=5, long=LongText.TRUNCATE)
    assert encoded.windows[0].ids == [CLS, 100, 101, 102, SEP]
    assert encoded.windows[0].offsets == [(0, 0), (0, 3), (10, 13), (20, 23), (0, 0)]
    assert (encoded.input_tokens, encoded.truncated) == (11, True)


@pytest.mark.parametrize(
    ("first", "second", "room", "kept"),
    [
        (3, 3, 9, (3, 3)),
        (2, 10, 8, (2, 6)),
        (10, 2, 8, (6, 2)),
        (10, 10, 8, (4, 4)),
        (10, 10, 7, (3, 4)),
        (11, 10, 7, (4, 3)),
        (10, 11, 7, (3, 4)),
        (0, 10, 7, (0, 7)),
        (4, 10, 7, (3, 4)),
        (5, 5, 1, (0, 1)),
    ],
)
def test_longest_first_by_hand(first: int, second: int, room: int, kept: tuple[int, int]) -> None:
    assert longest_first(first, second, room) == kept


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 40))
def test_longest_first_is_the_rule_of_the_library(first: int, second: int, room: int) -> None:
    backend = Backend(WordLevel({"a": 0, "b": 1, "[C]": 2}, unk_token="a"))
    backend.pre_tokenizer = None
    backend.post_processor = TemplateProcessing(single="[C] $A", pair="[C] $A $B", special_tokens=[("[C]", 2)])
    backend.enable_truncation(room + 1, strategy="longest_first")
    ids = backend.encode(["a"] * first, ["b"] * second, is_pretokenized=True).ids
    assert longest_first(first, second, room) == (ids.count(0), ids.count(1))


def test_windows_over_a_text_by_hand() -> None:
    encoded = cut(text(10), None, BERT, limit=6, long=LongText.WINDOW, overlap=2)
    assert [window.ids[1:-1] for window in encoded.windows] == [
        [100, 101, 102, 103],
        [102, 103, 104, 105],
        [104, 105, 106, 107],
        [106, 107, 108, 109],
    ]
    assert [window.owned for window in encoded.windows] == [[range(1, 4)], [range(2, 4)], [range(2, 4)], [range(2, 5)]]
    assert (encoded.input_tokens, encoded.truncated) == (12, False)


def test_windows_over_a_pair_show_the_shorter_text_whole() -> None:
    encoded = cut(text(2), text(5, 500), BERT, limit=8, long=LongText.WINDOW, overlap=1)
    assert [window.ids for window in encoded.windows] == [
        [CLS, 100, 101, SEP, 500, 501, 502, SEP],
        [CLS, 100, 101, SEP, 502, 503, 504, SEP],
    ]
    assert [window.owned for window in encoded.windows] == [[range(1, 3), range(4, 7)], [range(1, 1), range(5, 7)]]
    assert encoded.windows[1].offsets == [(0, 0), (0, 3), (10, 13), (0, 0), (20, 23), (30, 33), (40, 43), (0, 0)]


def test_windows_over_the_first_text_of_a_pair() -> None:
    encoded = cut(text(5), text(2, 500), BERT, limit=8, long=LongText.WINDOW, overlap=1)
    assert [window.ids for window in encoded.windows] == [
        [CLS, 100, 101, 102, SEP, 500, 501, SEP],
        [CLS, 102, 103, 104, SEP, 500, 501, SEP],
    ]
    assert [window.owned for window in encoded.windows] == [[range(1, 4), range(5, 7)], [range(2, 4), range(5, 5)]]
    assert encoded.windows[1].segments == [0, 0, 0, 0, 0, 1, 1, 1]


def test_weights_are_the_shares_of_the_text_that_was_cut() -> None:
    def weights(*texts: Tokens, limit: int) -> list[float]:
        first, second = (*texts, None)[:2]
        return cut(first, second, BERT, limit=limit, long=LongText.WINDOW).weights

    assert weights(text(10), limit=6) == [0.4, 0.4, 0.2]
    assert weights(text(2), text(10), limit=9) == weights(text(10), text(2), limit=9) == [0.4, 0.4, 0.2]
    assert weights(text(10), limit=12) == weights(text(1), text(1), limit=12) == [1.0]
    with_overlap = cut(text(10), None, BERT, limit=6, long=LongText.WINDOW, overlap=2)
    assert with_overlap.weights == [0.3, 0.2, 0.2, 0.3]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(3, 30))
def test_room_is_what_windows_have(first: int, second: int, limit: int) -> None:
    room = window_room(text(first), text(second), BERT, limit)
    if room > 0 and first + second + 3 > limit:
        encoded = cut(text(first), text(second), BERT, limit=limit, long=LongText.WINDOW, overlap=room - 1)
        assert max(len(window.ids) for window in encoded.windows) == limit
        assert sum(encoded.weights) == pytest.approx(1)
        with pytest.raises(UserError):
            cut(text(first), text(second), BERT, limit=limit, long=LongText.WINDOW, overlap=room)
    assert window_room(text(first), None, BERT, limit) == limit - 2


@given(TEMPLATES, st.integers(0, 90), st.integers(1, 30), st.data())
def test_every_token_of_a_text_is_owned_once_in_order(
    template: Template, length: int, room: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, room - 1))
    limit = room + template.single.special_tokens
    tokens = text(length)
    encoded = cut(tokens, None, template, limit=limit, long=LongText.WINDOW, overlap=overlap)
    assert owned_ids(encoded, 0) == tokens.ids
    assert not encoded.truncated
    assert encoded.input_tokens == length + template.single.special_tokens
    for window in encoded.windows:
        assert len(window.ids) == len(window.segments) <= limit
        assert window.offsets is not None
        assert len(window.offsets) == len(window.ids)
        place = len(template.single.prefix.ids)
        shown = window.ids[place : len(window.ids) - len(template.single.suffix.ids)]
        assert window.ids == template.single.prefix.ids + shown + template.single.suffix.ids
        assert shown == tokens.ids[shown[0] - 100 : shown[0] - 100 + len(shown)] if shown else length == 0


@given(TEMPLATES, st.integers(0, 60), st.integers(0, 60), st.integers(1, 30), st.data())
def test_every_token_of_a_pair_is_owned_once_in_order(
    template: Template, first: int, second: int, left: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, left - 1))
    shorter = min(first, second)
    limit = shorter + left + template.pair.special_tokens
    one, two = text(first), text(second, 500)
    encoded = cut(one, two, template, limit=limit, long=LongText.WINDOW, overlap=overlap)
    assert owned_ids(encoded, 0) == one.ids
    assert owned_ids(encoded, 1) == two.ids
    assert sum(encoded.weights) == pytest.approx(1)
    for window in encoded.windows:
        assert len(window.ids) == len(window.segments) <= limit
        assert set(window.ids) >= set(one.ids if first <= second else two.ids)


@given(st.integers(1, 90), st.integers(1, 30), st.data())
def test_the_owner_shows_the_most_context(length: int, room: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, room - 1))
    windows = spans(length, room, overlap)

    def context(token: int, window: tuple[int, int]) -> int:
        """Tokens to the nearer end of the window; where the text itself ends nothing is missing."""
        start, end = window
        left = length if start == 0 else token - start
        right = length if end == length else end - 1 - token
        return min(left, right)

    for window, (start, end) in zip(windows, shares(windows), strict=True):
        for token in range(start, end):
            showing = [other for other in windows if other[0] <= token < other[1]]
            assert window in showing
            assert context(token, window) == max(context(token, other) for other in showing)


@given(st.integers(0, 90), st.integers(1, 30), st.data())
def test_spans_overlap_as_asked_and_none_is_needless(length: int, room: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, room - 1))
    windows = spans(length, room, overlap)
    assert windows[0][0] == 0
    assert windows[-1][1] == length
    for (start, end), (next_start, _) in pairwise(windows):
        assert end - start == room
        assert end - next_start == overlap
        assert end < length


def test_no_room_beside_the_special_tokens() -> None:
    for long in LongText:
        with pytest.raises(UserError) as caught:
            cut(text(1), None, BERT, limit=2, long=long)
        assert str(caught.value) == "a limit of 2 tokens leaves no room for text beside 2 special tokens"
        assert caught.value.remedy == "Choose a limit of at least 3 tokens."


@pytest.mark.parametrize("overlap", [-1, 4, 5])
def test_an_overlap_that_leaves_no_step(overlap: int) -> None:
    with pytest.raises(UserError) as caught:
        cut(text(9), None, BERT, limit=6, long=LongText.WINDOW, overlap=overlap)
    assert str(caught.value) == f"an overlap of {overlap} tokens does not fit windows with room for 4"
    assert caught.value.remedy == "Choose an overlap from 0 to 3."


@pytest.mark.parametrize(("first", "left"), [(6, 1), (7, 0), (50, 0)])
def test_a_shorter_text_that_leaves_no_room(first: int, left: int) -> None:
    for one, two, names in (
        (text(first), text(60), ("first", "second")),
        (text(60), text(first), ("second", "first")),
    ):
        with pytest.raises(TextTooLong) as caught:
            cut(one, two, BERT, limit=10, long=LongText.WINDOW, overlap=1)
        assert str(caught.value) == (
            f"the {names[0]} text has {first} tokens, which leaves {left} of 7 "
            f"for windows over the {names[1]} that overlap by 1"
        )
        assert f"Shorten the {names[0]} text" in caught.value.remedy
        assert "--long truncate" in caught.value.remedy
