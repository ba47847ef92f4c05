"""Search: what is found in SQuAD's contexts, beside BM25 and sentence-transformers; and how fast in a million passages.

    python -m benchmarks.search quality SQUAD.json            recall@10 and nDCG@10; --rerank MODEL for that row
    python -m benchmarks.search scale SQUAD.json              a million passages; --passages for fewer

quality: each question's own context is what is to be found among all of the file. Everyone ranks contexts: of several
passages of one the best counts. Intervals: 95 %, bootstrap over questions; differences are paired.

scale: vectors are made of those of the file's contexts: each is two of them mixed, with noise as large as a fifth of
its length, so that a million are as crowded as real ones near a query. Queries are the questions. Exact is float32,
brute force, over the same vectors. Times are of a search whose query is embedded already, on one thread.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import json_line, machine
from bertkit.config.indexing import IndexConfig, IndexSettings
from bertkit.metrics.intervals import comparisons_of, intervals_of
from bertkit.metrics.resampling import resampled_means
from bertkit.retrieval.documents import SourceDocument, TextBlock
from bertkit.retrieval.lexical import matching
from bertkit.retrieval.searching import IndexReader
from bertkit.retrieval.tables import read_tables
from bertkit.retrieval.traced import LineStarts
from bertkit.retrieval.writer import open_writer
from bertkit.workflows.index import index
from bertkit.workflows.index_model import IndexModel
from bertkit.workflows.search import Searcher, SearchRequest

BEST = 10
LOOKED_AT = 40  # passages, of which some are of one context
PEER = "sentence-transformers"
MODEL = "sentence-transformers/all-MiniLM-L6-v2"

Rank = Callable[[str], Sequence[int]]


@dataclass(frozen=True)
class Questions:
    """Contexts, and questions with the place of the context that each is about."""

    contexts: list[str]
    asked: list[tuple[str, int]]


def main() -> None:
    """Measure, print a table, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["quality", "scale"])
    parser.add_argument("squad", type=Path, help="SQuAD's JSON, gzip or not")
    parser.add_argument("--questions", type=int, default=2_000)
    parser.add_argument("--contexts", type=int, help="only the first so many")
    parser.add_argument("--rerank", help="a cross-encoder, for a row of its own")
    parser.add_argument("--passages", type=int, default=1_000_000)
    options = parser.parse_args()
    data = read_squad(options.squad, options.questions, options.contexts)
    with tempfile.TemporaryDirectory() as scratch:
        part = quality if options.part == "quality" else scale
        found = part(data, Path(scratch), options)
    print(json_line({"machine": machine(), "data": options.squad.name, "contexts": len(data.contexts), **found}))


def read_squad(path: Path, questions: int, contexts: int | None) -> Questions:
    """All contexts of a file, each once, and some of its questions."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        paragraphs = [one for article in json.load(file)["data"] for one in article["paragraphs"]]
    places: dict[str, int] = {}
    asked = []
    for paragraph in paragraphs[:contexts]:
        place = places.setdefault(paragraph["context"], len(places))
        asked += [(one["question"], place) for one in paragraph["qas"]]
    chosen = np.random.default_rng(0).permutation(len(asked))[:questions]
    return Questions(list(places), [asked[place] for place in sorted(chosen)])


def indexed(data: Questions, scratch: Path, precision: str) -> Path:
    """An index of the contexts."""
    rows, folder = scratch / "contexts.jsonl", scratch / f"{precision}.idx"
    rows.write_text("\n".join(json.dumps({"text": text, "id": n}) for n, text in enumerate(data.contexts)))
    index(IndexConfig(index=str(folder), sources=[str(rows)], precision=precision, dtype="float32"))
    return folder


def quality(data: Questions, scratch: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Recall and nDCG of each way to search."""
    embed_once()
    searchers = {precision: Searcher(indexed(data, scratch, precision)) for precision in ("float16", "int8", "binary")}
    searcher = searchers["float16"]
    ways: dict[str, Rank] = {"BM25 (bm25s)": bm25(data), "BM25 (of the index)": words_of(searcher.reader)}
    ways |= {f"dense, {name}": by(one, SearchRequest(LOOKED_AT)) for name, one in searchers.items()}
    ways["hybrid"] = by(searcher, SearchRequest(LOOKED_AT, hybrid=True))
    if options.rerank:
        ways["hybrid, reranked"] = by(searcher, SearchRequest(LOOKED_AT, hybrid=True, rerank=options.rerank))
    ways[PEER] = sentence_transformers(data)
    columns: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    seconds: dict[str, float] = {}
    for name, rank in ways.items():
        began = time.perf_counter()
        ranks = [place_of(rank(question), context) for question, context in data.asked]
        seconds[name] = (time.perf_counter() - began) / len(data.asked)
        columns[name] = {
            f"recall@{BEST}": np.array([float(rank is not None) for rank in ranks]),
            f"ndcg@{BEST}": np.array([0.0 if rank is None else 1 / np.log2(2 + rank) for rank in ranks]),
        }
    rows = {name: measured(own, columns[PEER]) | {"ms": 1e3 * seconds[name]} for name, own in columns.items()}
    print(f"{len(data.contexts):,} contexts, {len(data.asked):,} questions")
    print(f"{'':24} {'recall@10':>28} {'nDCG@10':>28} {'recall@10 less ' + PEER:>36}  ms a question")
    for name, row in rows.items():
        cells = [
            " {value:.4f} ({low:.4f} to {high:.4f})".format(**row[f"{metric}@{BEST}"]) for metric in ("recall", "ndcg")
        ]
        less = "{value:+.4f} ({low:+.4f} to {high:+.4f})".format(**row["less_peer"])
        print(f"{name:24}{cells[0]:>29}{cells[1]:>29}{less:>37}  {row['ms']:.1f}")
    return {"part": "quality", "questions": len(data.asked), "rows": rows}


def embed_once() -> None:
    """Has each text embedded once, whatever it is stored as."""
    embed, kept = IndexModel.passages, dict[str, Any]()

    def passages(model: IndexModel, texts: Sequence[str]) -> Any:
        if new := [text for text in dict.fromkeys(texts) if text not in kept]:
            kept.update(zip(new, embed(model, new), strict=True))
        return np.stack([kept[text] for text in texts])

    IndexModel.passages = passages  # type: ignore[method-assign]


def place_of(ranked: Sequence[int], context: int) -> int | None:
    """The place of a context among the best, from 0; None where it is not among them."""
    best = list(dict.fromkeys(ranked))[:BEST]
    return best.index(context) if context in best else None


def measured(own: dict[str, Any], peer: dict[str, Any]) -> dict[str, Any]:
    """Means with intervals, and how much more is recalled than by the peer."""
    questions = len(next(iter(own.values())))
    metrics = resampled_means(own)
    values = metrics(np.arange(questions))
    intervals = intervals_of(metrics, questions)
    found: dict[str, Any] = {
        name: {"value": value, "low": intervals[name].low, "high": intervals[name].high}
        for name, value in values.items()
    }
    less = comparisons_of(resampled_means(own), resampled_means(peer), questions)[f"recall@{BEST}"]
    found["less_peer"] = {"value": less.difference, "low": less.low, "high": less.high}
    return found


def by(searcher: Searcher, request: SearchRequest) -> Rank:
    """bertkit's search."""
    return lambda question: [hit.fields["id"] for hit in searcher.search(question, request)]


def words_of(reader: IndexReader) -> Rank:
    """The index's own BM25 alone."""
    query = (
        "SELECT json_extract(fields, '$.id') FROM words JOIN passages ON passages.id = words.rowid "
        "JOIN documents ON documents.id = document WHERE words MATCH ? ORDER BY rank LIMIT ?"
    )

    def rank(question: str) -> Sequence[int]:
        with read_tables(reader.folder) as tables:
            asked = matching(tables.connection, question, reader.counts()["passages"])
            return [id for (id,) in tables.connection.execute(query, (asked, LOOKED_AT))]

    return rank


def bm25(data: Questions) -> Rank:
    """The library bm25s, as its own page uses it."""
    import bm25s

    retriever = bm25s.BM25()
    retriever.index(bm25s.tokenize(data.contexts, stopwords="en", show_progress=False), show_progress=False)

    def rank(question: str) -> Sequence[int]:
        tokens = bm25s.tokenize([question], stopwords="en", return_ids=False, show_progress=False)
        return [int(place) for place in retriever.retrieve(tokens, k=BEST, show_progress=False)[0][0]]

    return rank


def sentence_transformers(data: Questions) -> Rank:
    """The library's own `semantic_search` over contexts as it embeds them, cut where they are too long."""
    from sentence_transformers import SentenceTransformer, util

    from bertkit.checkpoints.embedded import embedded_folder

    model = SentenceTransformer(str(embedded_folder()), device="cpu")
    corpus = model.encode(data.contexts, convert_to_tensor=True)

    def rank(question: str) -> Sequence[int]:
        found = util.semantic_search(model.encode(question, convert_to_tensor=True), corpus, top_k=BEST)
        return [one["corpus_id"] for one in found[0]]

    return rank


def scale(data: Questions, scratch: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Time and recall of a search by bits in many passages."""
    small = indexed(data, scratch, "float16")
    reader = IndexReader(small)
    model = IndexModel(reader.settings.model)
    queries_QW = np.stack([model.query(question) for question, _ in islice(data.asked, 200)])
    with reader._snapshot() as (_, vectors):
        real_NW = np.asarray(vectors.files["float16"], np.float32)
    large = scratch / "large.idx"
    began = time.perf_counter()
    made_NW = write_large(large, reader.settings, real_NW, options.passages)
    writing = time.perf_counter() - began
    exact_QK = np.argsort(-(queries_QW @ made_NW.T), axis=1)[:, :BEST]
    del made_NW
    before = resident_bytes()
    opened = IndexReader(large)
    opened.search("first", queries_QW[0], BEST)  # maps the files, and puts the bits in order
    times, shares = [], []
    for query_W, exact_K in zip(queries_QW, exact_QK, strict=True):
        began = time.perf_counter()
        hits = opened.search("", query_W, BEST)
        times.append(time.perf_counter() - began)
        shares.append(len({hit.fields["id"] for hit in hits} & set(exact_K.tolist())) / BEST)
    times.sort()
    found = {
        "part": "scale",
        "passages": options.passages,
        "p50_ms": 1e3 * statistics.median(times),
        "p95_ms": 1e3 * times[int(0.95 * len(times))],
        "recall": statistics.mean(shares),
        "memory_mb": (resident_bytes() - before) / 1e6,
        "disk_mb": sum(file.stat().st_size for file in large.iterdir()) / 1e6,
        "writing_seconds": writing,
    }
    print(
        f"{options.passages:,} passages, {len(times)} queries: "
        f"p50 {found['p50_ms']:.1f} ms, p95 {found['p95_ms']:.1f} ms, "
        f"recall@{BEST} of exact {found['recall']:.4f}; {found['memory_mb']:,.0f} MB resident more, "
        f"{found['disk_mb']:,.0f} MB on disk; written in {writing:.0f} s"
    )
    return found


def write_large(folder: Path, settings: IndexSettings, real_NW: np.ndarray[Any, Any], passages: int) -> Any:
    """An index of so many generated passages, kept as bits and float16; gives their vectors, float32."""
    random = np.random.default_rng(1)
    made_NW = np.empty((passages, real_NW.shape[1]), np.float32)
    for start in range(0, passages, 50_000):
        part = made_NW[start : start + 50_000]
        one, other = (real_NW[random.integers(len(real_NW), size=len(part))] for _ in range(2))
        share = random.random((len(part), 1), np.float32)
        noise = random.normal(size=part.shape).astype(np.float32) * np.float32(0.2 / np.sqrt(part.shape[1]))
        part[:] = one * share + other * (1 - share) + noise
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    places = count()

    def embed(texts: Sequence[str]) -> Any:
        return made_NW[[next(places) for _ in texts]]

    def documents() -> Iterator[SourceDocument]:
        for number in range(passages):
            text = LineStarts("").traced(f"generated passage {number}", 0)
            yield SourceDocument([TextBlock(text)], {"id": number}, number)

    with open_writer(folder, settings.model_copy(update={"precision": "binary"})) as writer:
        writer.add(str(folder / "generated.jsonl"), b"generated", documents())
        for _ in writer.embed(embed):
            pass
    return made_NW


def resident_bytes() -> int:
    """Of this process, files that are mapped included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
