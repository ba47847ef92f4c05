"""What was measured of a machine takes the place of rules, on that machine only."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.config.encoder import EncoderConfig
from bertkit.errors import ConfigError
from bertkit.planner.calibration import MachineCalibration, calibrations_folder, load_calibration, read_calibration
from bertkit.planner.devices import load_devices
from bertkit.planner.plan import Question, make_plan
from bertkit.planner.software import SOFTWARE
from bertkit.planner.this_machine import processor_name, this_machine, usable_cores

MEASURED = MachineCalibration(
    processor="AMD EPYC",
    cores=usable_cores(),
    threads=2,
    torch="2.13.0",
    date="2026-11-28",
    products_tflops={"float32": 0.3, "bfloat16": 0.6},
    bandwidth_gb_s=20.0,
    numbers_g_s=3.0,
    launch_us=2.0,
)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    calibrations_folder().mkdir(parents=True)
    (calibrations_folder() / MEASURED.name).write_text(MEASURED.model_dump_json())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("model name\t: AMD EPYC\nflags\t\t: avx2 avx512_vnni avx512_bf16\n")
    return tmp_path


def test_this_machine_is_what_was_measured(root: Path) -> None:
    row = this_machine(load_devices(), root).row
    assert (row.fp32_tflops, row.bf16_tflops, row.numbers_g_s, row.bandwidth_gb_s) == (0.15, 0.3, 1.5, 20.0)
    assert [row.evidence(field) for field in ("fp32_tflops", "bf16_tflops", "bandwidth_gb_s")] == ["measured"] * 3
    assert row.evidence("int8_tflops") == "rule"  # that was not measured
    assert "measured on 2026-11-28" in row.source


def test_a_machine_that_moves_more_between_products_is_faster(root: Path) -> None:
    def seconds(numbers: float) -> float:
        file = calibrations_folder() / MEASURED.name
        file.write_text(MEASURED.model_copy(update={"numbers_g_s": numbers}).model_dump_json())
        device = this_machine(load_devices(), root)
        plan = make_plan(Question("x", EncoderConfig(), device, "inference", (128,), SOFTWARE["bertkit"], 8))
        assert plan.time is not None
        return plan.time.bandwidth

    assert seconds(6.0) == pytest.approx(seconds(3.0) / 2)


def test_a_machine_that_was_busy_is_said_to_have_been(root: Path) -> None:
    file = calibrations_folder() / MEASURED.name
    for load, said in ((0.1, False), (usable_cores() * 3.0, True)):
        file.write_text(MEASURED.model_copy(update={"load": load}).model_dump_json())
        assert ("other programs were busy" in this_machine(load_devices(), root).row.source) == said


def test_another_machine_is_not(root: Path) -> None:
    (root / "proc/cpuinfo").write_text("model name\t: Intel Xeon\nflags\t\t: avx2\n")
    assert this_machine(load_devices(), root).row.evidence("fp32_tflops") == "rule"
    assert processor_name(root) == "Intel Xeon"
    assert read_calibration("AMD EPYC", usable_cores() + 1) is None
    assert read_calibration("AMD EPYC", usable_cores(), "NVIDIA T4") is None


def test_a_file_that_is_none_is_as_if_there_were_none(root: Path) -> None:
    path = calibrations_folder() / "a.json"
    for text in ("", "[]", "{}", '{"cores": 0}'):
        path.write_text(text)
        with pytest.raises(ConfigError):
            load_calibration(path)
    assert read_calibration("AMD EPYC", usable_cores()) == MEASURED


def test_names_of_files() -> None:
    assert MEASURED.name == f"amd-epyc-{usable_cores()}.json"
