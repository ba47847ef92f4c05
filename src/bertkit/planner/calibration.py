"""What `bertkit bench --calibrate` measured of a machine, and where that is kept. Torch-free.

One file a machine, by its processor and the number of its cores: a home folder may be that of many machines.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field

from bertkit.config.strict import Strict, parse
from bertkit.errors import BertkitError, ConfigError
from bertkit.planner.rates import Precision

BUSY_SHARE = 0.5  # of the cores: with more work than that of others, a machine looks slower than it is
Above = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class MachineCalibration(Strict):
    """Figures of one machine.

    Attributes:
        threads: that measured, one a core; figures are of all of them together.
        device: the GPU that was measured; None for the processor.
        load: other processes that wanted to run then; None where the system does not say.
        products_tflops: that products of BERT-base's shapes reach, by precision.
        bandwidth_gb_s: of memory, read and written.
        numbers_g_s: billions of numbers moved a second outside products, as an encoder moves them; of a CPU.
        launch_us: to start one small operation.
    """

    processor: str
    cores: Annotated[int, Field(gt=0)]
    threads: Annotated[int, Field(gt=0)]
    device: str | None = None
    torch: str
    date: str
    load: float | None = None
    products_tflops: dict[Precision, Above]
    bandwidth_gb_s: Above
    numbers_g_s: Above | None = None
    launch_us: Above

    @property
    def was_disturbed(self) -> bool:
        """Whether other programs had the machine, so that it is faster than this says."""
        return self.load is not None and self.load > BUSY_SHARE * self.cores

    @property
    def name(self) -> str:
        """Of its file."""
        words = f"{self.device or self.processor} {self.cores}"
        return f"{re.sub(r'[^a-z0-9]+', '-', words.lower()).strip('-')}.json"


def calibrations_folder() -> Path:
    """Where they are kept: in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bertkit" / "calibration"


def read_calibration(processor: str, cores: int, device: str | None = None) -> MachineCalibration | None:
    """That of a machine; None where it was never calibrated, or the file is none."""
    folder = calibrations_folder()
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        try:
            found = load_calibration(path)
        except BertkitError:  # of another version: as if there were none
            continue
        if (found.processor, found.cores, found.device) == (processor, cores, device):
            return found
    return None


def load_calibration(path: Path) -> MachineCalibration:
    """A file of one.

    Raises:
        ConfigError: it is none.
    """
    import json

    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}", "Measure again: bertkit bench --calibrate.") from None
    return parse(MachineCalibration, values if isinstance(values, dict) else {}, str(path))
