"""One network, many manners of asking it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.errors import BertkitError, InputError, TextTooLong, UserError
from bertkit.formats.rows import Row
from bertkit.inference.pipeline import Failure
from bertkit.inference.served import Manner, ServedModel
from bertkit.inference.serving import served
from bertkit.tasks.contract import Result
from tests.parity.task_peers import make_task_peer

LONG = " ".join(f"w{number % 7}" for number in range(60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_task_peer("text-classification", folder)
    return folder


@pytest.fixture(scope="module")
def vectors(folder: Path) -> ServedModel:
    return served("vectors", bertkit.load(folder, task="sentence-embedding"))


def ask(model: ServedModel, fields: dict[str, object], manner: Manner) -> Result:
    pipeline = model.pipeline(manner)
    request = pipeline.prepare(Row(fields, "row 1"))
    return model.finish(pipeline, request, model.engine.run(request.windows))


@pytest.mark.parametrize("long", ["error", "truncate", "window"])
def test_each_manner_is_that_of_a_model_loaded_so(folder: Path, vectors: ServedModel, long: str) -> None:
    text = "w1 w2" if long == "error" else LONG
    got = ask(vectors, {"text": text}, Manner.of(long, normalize=False, truncate_dim=5)).record()
    loaded = bertkit.load(folder, task="sentence-embedding", long=long, normalize=False, truncate_dim=5)
    assert got == loaded.predict(text).record()


def test_a_text_is_cut_at_the_side_that_is_asked_for(vectors: ServedModel) -> None:
    room = vectors.max_length - 2
    words = LONG.split()
    for side, kept in (("left", words[-room:]), ("right", words[:room])):
        cut = ask(vectors, {"text": LONG}, Manner.of("truncate", side))
        whole = ask(vectors, {"text": " ".join(kept)}, Manner())
        np.testing.assert_allclose(cut.embedding, whole.embedding, rtol=1e-5, atol=1e-6)  # type: ignore[attr-defined]
    assert vectors.tokenizer.template.truncation_side == "right", "others are asked as before"


def test_what_changes_the_network_is_not_of_a_request(vectors: ServedModel) -> None:
    with pytest.raises(UserError, match="pooling: not of a request"):
        vectors.pipeline(Manner(options=(("pooling", "cls"),)))
    with pytest.raises(UserError, match="no option 'top_k'"):
        vectors.pipeline(Manner.of(top_k=3))


def test_pipelines_are_kept_but_not_without_end(vectors: ServedModel) -> None:
    assert vectors.pipeline(Manner.of(truncate_dim=3)) is vectors.pipeline(Manner.of(truncate_dim=3))
    for number in range(1, 200):
        vectors.pipeline(Manner.of(truncate_dim=number))
    assert vectors.pipeline.cache_info().currsize < 100


def test_ids_are_read_as_the_text_that_they_are_of(vectors: ServedModel) -> None:
    manner = Manner()
    ids = vectors.tokenizer.tokenize(["w1 w2 w3"])[0].ids
    frame = vectors.tokenizer.template.single
    expected = vectors.pipeline(manner).prepare(Row({"text": "w1 w2 w3"}, "row")).windows
    for given in (ids, [*frame.prefix.ids, *ids, *frame.suffix.ids]):
        request = vectors.request_of_ids(given, manner, "input 1")
        assert [one.ids for one in request.windows] == [one.ids for one in expected]


@pytest.mark.parametrize(
    ("ids", "kind"),
    [([], InputError), ([2, 3], InputError), ([-1], InputError), ([10**9], InputError), ([9] * 99, TextTooLong)],
)
def test_ids_that_are_no_text_are_refused(vectors: ServedModel, ids: list[int], kind: type[BertkitError]) -> None:
    with pytest.raises(kind):
        vectors.request_of_ids(ids, Manner(), "input 1")


def test_a_prompt_goes_before_ids_too(folder: Path) -> None:
    model = served("v", bertkit.load(folder, task="sentence-embedding"))
    manner = Manner.of(prompt="w5 w6 ")
    ids = model.tokenizer.tokenize(["w1"])[0].ids
    request = model.pipeline(manner).prepare(Row({"text": "w1"}, "row"))
    assert model.request_of_ids(ids, manner, "input").windows[0].ids == request.windows[0].ids


def test_what_rows_will_be_is_known_about_before_they_are_tokenised(folder: Path, vectors: ServedModel) -> None:
    limit = vectors.max_length
    rows = [Row({"text": "x" * 40}, "1"), Row({"text": "x" * 4_000}, "2"), Row({}, "3"), Failure(UserError("bad"))]
    assert vectors.demand(rows, Manner.of("error")) == 14 + limit + 1_004 // 16
    assert vectors.demand(rows, Manner.of("window")) > 1_000
    pairs = served("pairs", bertkit.load(folder, task="text-classification"))
    narrow = [Row({"text": "x" * 4 * (limit - 6), "text_pair": "x" * 4_000}, "1")]
    assert pairs.demand(narrow, Manner.of("window")) > 100 * limit, "every window has the whole of the shorter text"
