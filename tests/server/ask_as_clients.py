"""Asks a server with one real client and prints what came back, as JSON. Runs in an environment of the clients' own.

python ask_as_clients.py CLIENT URL
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

TEXTS = ["w1 w2", "w3 w4 w5"]
LONG = " ".join(["w1"] * 60)
DOCUMENTS = ["w2 w3", "w1", "w4 w5 w6"]
QUESTION = {"question": "w1 w2", "context": "w3 w4 w5 w6"}


def ask_openai(url: str) -> dict[str, Any]:
    import openai

    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    got = client.embeddings.create(model="vectors", input=TEXTS)
    try:
        client.embeddings.create(model="vectors", input=LONG)
        error = None
    except openai.BadRequestError as caught:
        error = {"code": caught.code, "type": caught.type, "param": caught.param}
    try:
        client.embeddings.create(model="no-such-model", input="w1")
        missing = None
    except openai.NotFoundError as caught:
        missing = caught.param
    return {
        "vectors": [one.embedding for one in got.data],
        "fewer": len(client.embeddings.create(model="vectors", input="w1", dimensions=5).data[0].embedding),
        "models": [one.id for one in client.models.list()],
        "error": error,
        "missing": missing,
    }


def ask_huggingface_hub(url: str) -> dict[str, Any]:
    from huggingface_hub import InferenceClient

    def of(name: str) -> InferenceClient:
        return InferenceClient(model=f"{url}/models/{name}")

    return {
        "vectors": [InferenceClient(model=url).feature_extraction(text, normalize=True)[0].tolist() for text in TEXTS],
        "similarity": InferenceClient(model=url).sentence_similarity("w1", ["w1", "w2"]),
        "classes": [one.label for one in of("classes").text_classification("w1", top_k=2)],
        "zero_shot": [one.label for one in of("entailment").zero_shot_classification("w1", ["w2", "w3"])],
        "entities": [one.word for one in of("names").token_classification("w1 w2 w3", aggregation_strategy="simple")],
        "answer": of("answers").question_answering(**QUESTION).answer,
        "fills": [one.token_str for one in of("masks").fill_mask("she was born in [MASK].", top_k=3)],
    }


def ask_cohere(url: str) -> dict[str, Any]:
    import cohere

    client = cohere.ClientV2(api_key="none", base_url=url)
    got = client.embed(texts=TEXTS, model="vectors", input_type="search_document", embedding_types=["float", "int8"])
    ranked = client.rerank(model="ranks", query="w1", documents=DOCUMENTS, top_n=2)
    cut = client.embed(texts=[LONG], model="vectors", input_type="search_query", embedding_types=["float"])
    return {
        "vectors": got.embeddings.float_,
        "int8": got.embeddings.int8,
        "ranking": [[one.index, one.relevance_score] for one in ranked.results],
        "cut": len(cut.embeddings.float_),
    }


def ask_tritonclient(url: str) -> dict[str, Any]:
    import numpy as np
    import tritonclient.http as triton

    client = triton.InferenceServerClient(url.removeprefix("http://"))
    found = {"ready": client.is_server_ready() and client.is_model_ready("vectors")}
    for name, is_binary in (("binary", True), ("json", False)):
        given = triton.InferInput("text", [2], "BYTES")
        given.set_data_from_numpy(np.array([text.encode() for text in TEXTS], dtype=object), binary_data=is_binary)
        wanted = triton.InferRequestedOutput("embeddings", binary_data=is_binary)
        found[name] = client.infer("vectors", [given], outputs=[wanted]).as_numpy("embeddings").tolist()
    found["inputs"] = [one["name"] for one in client.get_model_metadata("ranks")["inputs"]]
    return found


def ask_voyageai(url: str) -> dict[str, Any]:
    import voyageai

    client = voyageai.Client(api_key="none", base_url=f"{url}/v1")
    got = client.embed(TEXTS, model="vectors", input_type="document")
    return {"vectors": got.embeddings, "tokens": got.total_tokens}


def ask_litellm(url: str) -> dict[str, Any]:
    import os

    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    got = litellm.embedding(model="openai/vectors", input=TEXTS, api_base=f"{url}/v1", api_key="none")

    def rank(provider: str, **more: Any) -> Any:
        given = {"query": "w1", "documents": DOCUMENTS, "top_n": 2, "api_base": url, "api_key": "none", **more}
        return litellm.rerank(model=f"{provider}/ranks", **given).results

    # Of documents it reads what vLLM sends for the one, what Infinity does for the other: they differ, /rerank cannot.
    ranked = rank("hosted_vllm")
    assert [one["index"] for one in rank("infinity", return_documents=False)] == [one["index"] for one in ranked]
    return {
        "vectors": [one["embedding"] for one in got.data],
        "ranking": [[one["index"], one["relevance_score"]] for one in ranked],
    }


CLIENTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "openai": ask_openai,
    "huggingface_hub": ask_huggingface_hub,
    "cohere": ask_cohere,
    "tritonclient": ask_tritonclient,
    "voyageai": ask_voyageai,
    "litellm": ask_litellm,
}

if __name__ == "__main__":
    print(json.dumps(CLIENTS[sys.argv[1]](sys.argv[2])))
