"""Rows in, the command line's records out; the state of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import bertkit
from bertkit.server.settings import Limits
from tests.server.conftest import Client, Serve

ROWS: dict[str, list[Any]] = {
    "vectors": ["w1 w2", "w3 w4 w5"],
    "classes": ["w1 w2", {"text": "w1", "text_pair": "w2 w3"}],
    "entailment": [{"text": "w1 w2", "candidate_labels": ["w3", "w4"]}],
    "ranks": [{"query": "w1", "documents": ["w2", "w3 w4", "w1"]}],
    "names": ["w1 w2 w3 w4"],
    "answers": [{"question": "w1 w2", "context": "w3 w4 w5 w6"}],
    "masks": ["she was born in [MASK]."],
}


@pytest.mark.parametrize("name", ROWS)
def test_records_are_those_of_the_command_line(name: str, client: Client, models: Mapping[str, bertkit.Model]) -> None:
    got = client.post("/v1/predict", {"model": name, "rows": ROWS[name]})
    assert got.status == 200, got.body
    expected = [result.record() for result in models[name].predict(ROWS[name])]
    assert got.body["model"] == name
    assert got.body["task"] == models[name].task.name
    for record, other in zip(got.body["records"], expected, strict=True):
        assert record.keys() == other.keys()
        assert same(record, other)


def same(one: Any, other: Any) -> bool:
    """Equal but for the last bits of numbers, which hang on what else is in a batch."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == pytest.approx(other, abs=1e-5)) if isinstance(one, float) else bool(one == other)


@pytest.mark.parametrize(
    ("row", "model"),
    [
        ({"question": "w1", "context": "w2"}, "answers"),
        ({"query": "w1", "documents": ["w2"]}, "ranks"),
        ({"text": "w1", "candidate_labels": ["w2", "w3"]}, "entailment"),
        ({"text": "w1", "text_pair": "w2"}, "classes"),
        ("w1", "vectors"),
    ],
)
def test_without_a_name_the_model_is_the_one_that_reads_such_rows(client: Client, row: Any, model: str) -> None:
    assert client.post("/v1/predict", {"rows": [row]}).body["model"] == model


def test_a_task_may_be_named_instead(client: Client) -> None:
    assert client.post("/v1/predict", {"rows": ["w1"], "task": "token-classification"}).body["model"] == "names"
    got = client.post("/v1/predict", {"rows": ["w1"], "task": "feature-extraction", "model": "vectors"})
    assert len(got.body["records"][0]["vectors"]) == 3
    got = client.post("/v1/predict", {"rows": ["w1"], "task": "text-ranking", "model": "vectors"})
    assert (got.status, got.body["error"]["remedy"]) == (400, "Ask ranks.")


def test_options_are_of_one_request(client: Client, models: Mapping[str, bertkit.Model]) -> None:
    rows = ROWS["masks"]
    for top_k in (1, 7, 100):
        got = client.post("/v1/predict", {"model": "masks", "rows": rows, "options": {"top_k": top_k}})
        assert len(got.body["records"][0]["fills"][0]) == top_k
    assert len(client.post("/v1/predict", {"model": "masks", "rows": rows}).body["records"][0]["fills"][0]) == 5
    got = client.post("/v1/predict", {"model": "vectors", "rows": ["w1"], "options": {"truncate_dim": 4}})
    assert len(got.body["records"][0]["embedding"]) == 4


@pytest.mark.parametrize(
    ("model", "options", "word"),
    [
        ("masks", {"top_k": 101}, "at most 100"),
        ("masks", {"top_k": 0}, "top_k"),
        ("masks", {"topk": 1}, "did you mean 'top_k'"),
        ("masks", {"problem": "regression"}, "no option 'problem'"),
        ("vectors", {"pooling": "cls"}, "no request sets"),
        ("vectors", {"truncate_dim": "4"}, "truncate_dim"),
        ("vectors", {"truncate_dim": [4]}, "neither a word nor a number"),
        ("answers", {"max_answer_tokens": 10**9}, "at most 512"),
    ],
)
def test_options_that_no_request_sets_are_refused(client: Client, model: str, options: object, word: str) -> None:
    got = client.post("/v1/predict", {"model": model, "rows": ROWS[model], "options": options})
    assert got.status == 400
    assert word in got.body["error"]["message"]


def test_a_text_too_long_is_refused_cut_or_read_in_windows_and_the_answer_says_so(
    client: Client, models: Mapping[str, bertkit.Model]
) -> None:
    long = " ".join(["w1"] * 60)
    got = client.post("/v1/predict", {"model": "vectors", "rows": [long]})
    assert got.status == 413
    assert '"long": "window"' in got.body["error"]["remedy"]
    got = client.post("/v1/predict", {"model": "vectors", "rows": [long, "w1"], "long": "truncate"})
    assert [one["truncated"] for one in got.body["records"]] == [True, False]
    assert got.headers["x-bertkit-truncated"] == "true"
    got = client.post("/v1/predict", {"model": "vectors", "rows": [long], "long": "window"})
    assert got.headers["x-bertkit-windows"] == str(got.body["records"][0]["windows"]) != "1"
    assert got.headers["x-bertkit-truncated"] == "false"


def test_a_row_that_cannot_be_read_stops_the_request_or_has_its_error_in_its_place(client: Client) -> None:
    rows = ["w1", "", {"txt": "w2"}, "w3"]
    got = client.post("/v1/predict", {"model": "vectors", "rows": rows})
    assert (got.status, got.body["error"]["type"]) == (400, "EmptyInput")
    assert got.body["error"]["message"].startswith("row 2: ")
    got = client.post("/v1/predict", {"model": "vectors", "rows": rows, "on_error": "record"})
    assert got.status == 200
    assert ["error" in record for record in got.body["records"]] == [False, True, True, False]
    got = client.post("/v1/predict", {"model": "vectors", "rows": ["", ""], "on_error": "record"})
    assert [record["error"]["type"] for record in got.body["records"]] == ["EmptyInput"] * 2


@pytest.mark.parametrize(
    "name", ["nothing", "../../etc/passwd", "/etc", "vectors/../classes", "sentence-transformers/x"]
)
def test_names_choose_among_what_is_loaded_and_nothing_else(client: Client, name: str) -> None:
    got = client.post("/v1/predict", {"model": name, "rows": ["w1"]})
    assert (got.status, got.body["error"]["type"]) == (404, "ModelNotFound")


def test_headers_say_what_it_took(client: Client) -> None:
    headers = client.post("/v1/predict", {"model": "vectors", "rows": ["w1 w2"]}).headers
    assert headers["x-compute-tokens"] == "4"
    assert headers["x-compute-characters"] == "5"
    assert headers["x-compute-type"] == "cpu"
    for name in ("compute-time", "total-time", "tokenization-time", "queue-time", "inference-time"):
        assert headers[f"x-{name}"].isdigit()


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/live", "/health/startup"])
def test_probes(client: Client, path: str) -> None:
    assert client.get(path).status == 200


def test_probes_while_it_starts_and_ends(serve_models: Serve) -> None:
    client = serve_models("vectors")
    service, client.application.service = client.application.service, None
    assert service is not None
    states = {path: client.get(f"/health/{path}").status for path in ("ready", "live", "startup")}
    assert states == {"ready": 503, "live": 200, "startup": 503}
    assert client.post("/v1/predict", {"rows": ["w1"]}).status == 503
    client.application.service = service
    service.is_draining = True
    assert client.get("/health").status == 503
    got = client.post("/v1/predict", {"rows": ["w1"]})
    assert (got.status, got.headers["retry-after"]) == (503, "1")
    service.worker.stop()
    assert client.get("/health/live").status == 503


def test_metrics_are_there(client: Client) -> None:
    client.post("/v1/predict", {"model": "vectors", "rows": ["w1 w2"]})
    client.post("/v1/predict", {"model": "secret", "rows": ["w1 w2"]})
    text = client.get("/metrics").body
    for line in (
        'bertkit_requests_total{route="/v1/predict",status="200"}',
        'te_request_count{method="/v1/predict"}',
        'te_request_failure{err="ModelNotFound"}',
        "te_queue_size 0.0",
        "bertkit_padding_tokens 0.0",
        'bertkit_batch_tokens_count{model="vectors/sentence-embedding"}',
    ):
        assert f"\n{line}" in text
    assert "secret" not in text


def test_the_description_has_an_example_of_every_body(client: Client) -> None:
    described = client.get("/openapi.json").body
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            assert route.get("summary"), path
            if method == "post" and "requestBody" in route:
                (content,) = route["requestBody"]["content"].values()
                reference = content["schema"].get("$ref", "").rpartition("/")[2]
                schema = described["components"]["schemas"].get(reference, content)
                assert schema.get("examples") or content.get("example"), path


def test_answers_that_would_be_vast_are_refused(serve_models: Serve) -> None:
    """A few bytes could ask for gigabytes: a vector a token, or a text again for each of many fills."""
    client = serve_models(limits=Limits(numbers=3 * 33, characters=1_000))
    ask = {"model": "vectors", "task": "feature-extraction"}
    assert client.post("/v1/predict", {**ask, "rows": ["w1"]}).status == 200
    for got in (
        client.post("/v1/predict", {**ask, "rows": ["w1 w2"]}),
        client.post("/embed_all", {"inputs": ["w1", "w1"]}),
        client.post("/v1/predict", {"model": "masks", "rows": ["born in [MASK]."], "options": {"top_k": 99}}),
    ):
        assert got.status in (413, 422)
        assert "in one request; the most is" in str(got.body)
