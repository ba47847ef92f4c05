from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_a_verdict_numbers_what_binds_and_what_gains(run: Run) -> None:
    code, out, _ = run("plan", "bert-base", "--on", "RTX 3060", "--lengths", "512", "--batch", "32")
    assert code == 0
    first, *rest = out.splitlines()
    assert first.startswith("bert-base runs on RTX 3060 12GB: inference, bfloat16, batches of 32 texts of 512 tokens")
    assert [line.split("  ")[0].strip() for line in rest] == [
        *("memory", "speed", "a batch", "a million 86.5 minutes, 0.24 kWh", "binds", "gains", "sources"),
    ]
    assert "GB at its peak" in rest[0]
    assert " to " in rest[1]


def test_what_does_not_fit_says_what_would_make_it(run: Run) -> None:
    _, out, _ = run("plan", "bert-large", "--on", "RTX 3060", "--train", "--lengths", "384")
    assert out.startswith("bert-large does not run on RTX 3060 12GB: fine-tuning of all weights")
    assert "it takes  recompute activations (--recompute): then" in out
    assert "it takes  2 of them (ddp), 16 texts on each" in out
    assert "binds     memory" in out


def test_programs_get_a_record(run: Run) -> None:
    devices = ("--on", "2x A100", "--on", "EPYC Zen 4:8", "--on", "RTX PRO 5000")
    code, out, _ = run("plan", "bert-base", *devices, "--train", "--task", "fill-mask", "--json")
    assert code == 0
    two, cpu, unknown = map(json.loads, out.splitlines())
    assert (two["mode"], two["verdict"], two["device"]) == ("pre-training", "runs", "2x A100 80GB SXM")
    memory: dict[str, Any] = two["memory_bytes"]
    assert memory["low"] < memory["peak"] < memory["high"] < memory["available"]
    assert two["speed"]["sequences_per_second"]["low"] < two["speed"]["sequences_per_second"]["expected"]
    assert two["million"]["usd"][0]["provider"] == "RunPod"
    assert two["evidence"]["peak_tflops"] == "rule"
    assert (cpu["verdict"], cpu["memory_bytes"]["available"]) == (None, None)
    assert ("speed" in unknown, unknown["binds"]) == (False, "unknown")
    assert "is not known" in unknown["unknown"]


@pytest.mark.parametrize("name", ["bert-base-uncased", "google-bert/bert-base-uncased", "BERT-base", "layers=12"])
def test_models_by_name_and_by_numbers(run: Run, name: str) -> None:
    _, out, _ = run("plan", name, "--on", "T4", "--json")
    assert json.loads(out)["parameters"] == 109_482_240


def test_a_folder_and_a_file_of_texts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "num_hidden_layers": 3}))
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]))
    (tmp_path / "texts.txt").write_text("a b\na a a a a a\n")
    _, out, err = run("plan", str(tmp_path), "--on", "T4", "--lengths", str(tmp_path / "texts.txt"), "--json")
    assert json.loads(out)["lengths"] == {"mean": 6.0, "shortest": 4, "longest": 8}, err


def test_two_devices_side_by_side(run: Run) -> None:
    _, out, _ = run("plan", "bert-base", "--compare", "A100", "H100 SXM")
    header, one, two = out.splitlines()
    assert header.split()[0] == "device"
    assert one.startswith("A100 80GB SXM")
    assert two.startswith("H100 SXM")
    assert out.splitlines()[1].split()[-3:] == ["$0.08", "$2.25", "-"]
    _, page, _ = run("plan", "bert-base", "--compare", "A100", "H100 SXM", "--markdown")
    assert page.splitlines()[1].startswith("| --- |")


def test_which_one_to_get(run: Run) -> None:
    asked = ("plan", "bert-base", "--choose", "--budget", "2000", "--need", "200 texts/s p95 50ms")
    _, out, _ = run(*asked)
    assert "RTX 3060 12GB" in out
    _, records, _ = run(*asked, "--json")
    prices = [json.loads(line)["usd"] for line in records.splitlines()]
    assert prices == sorted(prices)
    _, nothing, _ = run("plan", "bert-base", "--choose", "--budget", "1", "--need", "200 texts/s")
    assert nothing.startswith("no device")


def test_buy_or_rent(run: Run) -> None:
    _, out, _ = run("plan", "bert-base", "--on", "RTX 4090", "--buy-vs-rent", "--kwh", "0.3")
    assert "buying costs less after 3,439 hours" in out
    _, dear, _ = run("plan", "bert-base", "--on", "RTX 4090", "--buy-vs-rent", "--kwh", "3")
    assert "renting costs less" in dear
    _, records, _ = run("plan", "bert-base", "--on", "RTX 4090", "--buy-vs-rent", "--json")
    assert json.loads(records.splitlines()[1])["price_usd"] == 1599


def test_a_claim_is_checked(run: Run) -> None:
    claim = "RTX 3060, bert-base, fp16, batch 32, length 512, 500 samples/s"
    _, out, _ = run("plan", "--check", claim)
    assert "impossible: physics says no" in out
    assert "48.3 TFLOP/s" in out
    _, record, _ = run("plan", "--check", claim, "--json")
    assert json.loads(record)["findings"][0]["judgement"] == "impossible"
    _, of_numbers, _ = run("plan", "layers=6", "--check", "RTX 3060, fp16, 32x512, 800 samples/s")
    assert "impossible" in of_numbers


def test_devices_are_listed(run: Run, tmp_path: Path) -> None:
    _, out, _ = run("plan", "--devices")
    assert len(out.splitlines()) > 40
    own = tmp_path / "own.toml"
    own.write_text('[[device]]\nname = "Mine"\nkind = "gpu"\nmemory_gb = 10\nsource = "me"\n')
    _, records, _ = run("plan", "--devices", "--hardware", str(own), "--json")
    assert json.loads(records.splitlines()[-1])["name"] == "Mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plan",), "no MODEL"),
        (("plan", "bert-bse"), "did you mean 'bert-base'"),
        (("plan", "bert-base", "--on", "RTX 4091"), "did you mean 'RTX 4090'"),
        (("plan", "bert-base", "--lengths", "900"), "reads up to 512"),
        (("plan", "bert-base", "--batch", "0"), "a batch of 0"),
        (("plan", "bert-base", "--precision", "fp61"), "did you mean 'fp16'"),
        (("plan", "bert-base", "--engine", "tensort"), "did you mean 'tensorrt'"),
        (("plan", "bert-base", "--task", "fillmask"), "did you mean 'fill-mask'"),
        (("plan", "bert-base", "--lora"), "--lora without --train"),
        (("plan", "bert-base", "--train", "--lora", "--task", "fill-mask"), "--lora with --task fill-mask"),
        (("plan", "bert-base", "--budget", "5"), "without --choose"),
        (("plan", "bert-base", "--kwh", "5"), "without --buy-vs-rent"),
        (("plan", "bert-base", "--choose", "--budget", "5"), "without --need"),
        (("plan", "bert-base", "--choose", "--budget", "-5", "--need", "5/s"), "a budget of '-5'"),
        (("plan", "bert-base", "--on", "RTX 4090", "--buy-vs-rent", "--kwh", "-1"), "power at -1"),
        (("plan", "bert-base", "--json", "--markdown"), "both given"),
        (("plan", "layrs=3"), "did you mean 'layers'"),
        (("plan", "layers=none"), "a whole number"),
        (("plan", "width=100,heads=3"), "not a multiple"),
        (("plan", "--check", "nothing"), "nothing to check"),
    ],
)
def test_wrong_use(run: Run, arguments: tuple[str, ...], message: str) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 2


def test_a_config_that_is_no_encoder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2", "n_layer": 12}')
    code, _, err = run("plan", str(tmp_path))
    assert code == 2
    assert "unknown model_type 'gpt2'" in err


def test_it_needs_neither_torch_nor_numpy(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    script = (
        "import sys; from bertkit.cli.main import main; code = main(sys.argv[1:]);"
        "assert not {'torch', 'numpy', 'scipy', 'transformers'} & set(sys.modules); sys.exit(code)"
    )
    for arguments in (
        ("bert-base", "--on", "A100"),
        (str(tmp_path), "--on", "this machine", "--json"),
        ("--check", "T4, bert-base, 9 texts/s"),
        ("bert-base", "--choose", "--budget", "9000", "--need", "9/s"),
    ):
        done = subprocess.run([sys.executable, "-c", script, "plan", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
