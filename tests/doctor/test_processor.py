"""Instructions that are not used, precisions that cost time, threads that do not fit the cores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bertkit.doctor.facts import MachineFacts, ProcessorFacts, TorchFailure
from tests.doctor.faults import check_named, findings, with_torch

ZEN = ProcessorFacts(vendor="AuthenticAMD", flags=frozenset({"avx2", "avx512_vnni", "avx512_bf16"}))
AMX = ProcessorFacts(flags=frozenset({"avx2", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16"}))


@pytest.mark.parametrize(
    ("facts", "seen", "cure"),
    [
        (
            MachineFacts(environment={"ONEDNN_MAX_CPU_ISA": "AVX2"}),
            "ONEDNN_MAX_CPU_ISA=AVX2",
            "Unset ONEDNN_MAX_CPU_ISA",
        ),
        (MachineFacts(processor=AMX), "the processor has AMX", "Linux 5.16"),
        (with_torch(cpu_capability="DEFAULT"), "without AVX2", "own builds"),
        (MachineFacts(processor=ProcessorFacts(flags=frozenset({"sse4_2"}))), "no AVX2", "2015"),
        (with_torch(onednn=False), "without oneDNN", "own builds"),
    ],
    ids=["limited", "AMX unused", "plain build", "old processor", "no oneDNN"],
)
def test_instructions(facts: MachineFacts, seen: str, cure: str) -> None:
    check_named(facts, "CPU", "warning", seen, cure)


@pytest.mark.parametrize(
    ("check", "torch", "level", "seen", "cure"),
    [
        ("bfloat16", {}, "note", "imitates", "auto"),
        ("bfloat16", {"bfloat16": True, "seconds": {"float32": 1, "bfloat16": 4}}, "warning", "4.00", "float32"),
        ("int8", {"int8_is_exact": False}, "warning", "saturate", "7 bits"),
        ("int8", {"seconds": {"float32": 1, "int8": 900}}, "warning", "reference code", "float32"),
        ("int8", {"vnni": False}, "note", "no VNNI", "float32"),
        ("bfloat16", {"seconds": {"float32": 1, "bfloat16": 0.5}}, "note", "faster than float32", "--dtype bfloat16"),
        ("float16", {"seconds": {"float32": 1, "float16": 1880}}, "note", "1880 times as long", "auto"),
    ],
    ids=["imitated", "slow bfloat16", "saturates", "reference code", "no VNNI", "other instructions", "float16"],
)
def test_precisions(check: str, torch: dict[str, Any], level: str, seen: str, cure: str) -> None:
    check_named(with_torch(**torch), check, level, seen, cure)


def test_precisions_that_are_worth_it() -> None:
    seconds = {"float32": 1.0, "bfloat16": 0.5, "float16": 4.0, "int8": 0.3}
    facts = with_torch(amx=True, bfloat16=True, seconds=seconds, int8_is_exact=True)
    assert [findings(facts, check) for check in ("bfloat16", "int8", "float16")] == [[], [], []]


@pytest.mark.parametrize(("bfloat16", "cure"), [(True, "train.precision"), (False, "nothing is to be done")])
def test_mkl_on_amd(bfloat16: bool, cure: str) -> None:
    check_named(with_torch(MachineFacts(processor=ZEN), bfloat16=bfloat16), "MKL", "note", "slow on AMD", cure)
    assert findings(with_torch(MachineFacts(processor=ZEN), mkl=False), "MKL") == []


@pytest.mark.parametrize(
    ("threads", "cores", "environment", "seen", "cure"),
    [
        (1, {}, {"OMP_NUM_THREADS": "1"}, "1 for 8 cores", "Unset OMP_NUM_THREADS, or set it to 8."),
        (4, {}, {}, "4 for 8 cores", "Set OMP_NUM_THREADS=8."),
        (32, {}, {"OMP_NUM_THREADS": "32"}, "32 for 8 cores", "Set OMP_NUM_THREADS=8."),
        (8, {"quota": 2.0}, {}, "8 for the 2 of 8 cores that the container", "Set OMP_NUM_THREADS=2."),
        (8, {"quota": 0.5}, {}, "the 0.5 of 8 cores", "Set OMP_NUM_THREADS=1."),
        (8, {"usable": 4}, {}, "the 4 of 8 cores that this process may run on", "Set OMP_NUM_THREADS=4."),
    ],
    ids=["one", "few", "many", "a container's limit", "half a core", "bound to some"],
)
def test_threads_against_cores(
    threads: int, cores: dict[str, Any], environment: dict[str, str], seen: str, cure: str
) -> None:
    facts = MachineFacts(processor=replace(ProcessorFacts(), **cores), environment=environment)
    check_named(with_torch(facts, threads=threads), "threads", "warning", seen, cure)


@pytest.mark.parametrize("value", ["", "many", "0", "-2"])
def test_a_number_of_threads_that_is_none(value: str) -> None:
    facts = MachineFacts(torch=TorchFailure("absent"), environment={"OMP_NUM_THREADS": value})
    check_named(facts, "threads", "problem", repr(value), "Unset OMP_NUM_THREADS")


def test_tokenising_on_one_thread() -> None:
    facts = MachineFacts(environment={"TOKENIZERS_PARALLELISM": "false"})
    check_named(facts, "threads", "note", "TOKENIZERS_PARALLELISM", "Unset")


def test_a_container_with_more_than_the_cores() -> None:
    assert findings(MachineFacts(processor=ProcessorFacts(quota=16.0)), "threads") == []
    assert findings(with_torch(MachineFacts(processor=ProcessorFacts(quota=2.5)), threads=3), "threads") == []
