"""The planner against the world: a prediction beside each published figure.

    python -m benchmarks.planner          each row, its error, and the medians
    python -m benchmarks.planner --fit    fit the constants of `planner/page_files/formulas.txt` again, and print them

Figures are in `benchmarks/results/published_figures.csv`. Rows whose id's sha256 is even, and all rows of an L40S and
an RTX 4090, are kept from the fit. The last line is JSON.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bertkit.config.encoder import EncoderConfig
from bertkit.families.catalogue import FAMILIES
from bertkit.planner.devices import Device, find_device, load_devices
from bertkit.planner.links import link_bandwidth, summing_seconds
from bertkit.planner.memory import largest_batch
from bertkit.planner.parameters import count_parameters
from bertkit.planner.rates import precision_called
from bertkit.planner.software import software_called
from bertkit.planner.speed import FITTED, Constants, batch_time, constant_names
from bertkit.planner.work import Mode, Work

TABLE = Path(__file__).with_name("results") / "published_figures.csv"
KEPT_DEVICES = {"L40S", "RTX 4090"}
MODELS: dict[str, EncoderConfig] = {
    "bert-base": FAMILIES["bert"].presets["base"],
    "bert-large": FAMILIES["bert"].presets["large"],
    "roberta-base": FAMILIES["roberta"].presets["roberta-base"],
    "roberta-large": FAMILIES["roberta"].presets["roberta-large"],
    "modernbert-base": FAMILIES["modernbert"].presets["base"],
    "modernbert-large": FAMILIES["modernbert"].presets["large"],
    "nomic-embed-text-v1.5": FAMILIES["nomic_bert"].presets["embed-text-v1.5"],
}
SMALL_MISS = 0.1
HOURS_OF_SEQUENCES = 286.7e6  # what a figure in hours is of


@dataclass(frozen=True)
class Figure:
    """A row of the table.

    Attributes:
        value: in its unit: ms of a batch, a rate, or hours.
        note: the protocol.
        explanation: why the prediction is more than 40 % away, where it is.
    """

    id: str
    device: Device
    work: Work
    unit: str
    value: float
    source: str
    note: str
    explanation: str

    @property
    def fits(self) -> bool:
        """Whether the constants may be fitted to it."""
        return not is_kept(self.id) and self.device.name not in KEPT_DEVICES


def is_kept(identity: str) -> bool:
    """Whether the row is kept from the fit: by a coin that nobody chose."""
    return int(hashlib.sha256(identity.encode()).hexdigest(), 16) % 2 == 0


def read_figures(path: Path = TABLE) -> list[Figure]:
    """The table."""
    devices = load_devices()
    with path.open(newline="", encoding="utf-8") as file:
        return [
            _figure(row, find_device(f"{row['devices']}x {row['device']}", devices)) for row in csv.DictReader(file)
        ]


def _figure(row: dict[str, str], device: Device) -> Figure:
    config, mode = MODELS[row["model"]], _mode(row["mode"])
    software, precision = software_called(row["software"]), precision_called(row["precision"])
    length = float(row["length"])
    # Gradients of many batches are summed before an update in NVIDIA's pre-training.
    work = Work(config, mode, (), precision, software, updates=row["software"] != "unfused" or mode != "pre-training")
    batch = largest_batch(work, device, round(length)) if row["batch"] == "filled" else int(row["batch"])
    work = replace(work, lengths=_lengths(length, batch))
    return Figure(
        row["id"], device, work, row["unit"], float(row["figure"]), row["source"], row["note"], row["explanation"]
    )


def _mode(name: str) -> Mode:
    assert name in ("inference", "fine-tuning", "lora", "pre-training")
    return name  # type: ignore[return-value]


def _lengths(mean: float, count: int) -> tuple[int, ...]:
    """Whole numbers of this mean."""
    low = math.floor(mean)
    longer = round((mean - low) * count)
    return (low,) * (count - longer) + (low + 1,) * longer


def predict(figure: Figure, constants: Constants = FITTED) -> float:
    """In the unit of the figure."""
    work, device = figure.work, figure.device
    seconds = batch_time(work, device, constants).seconds
    if work.trains and work.updates and device.count > 1:
        bandwidth = link_bandwidth(device)
        assert bandwidth is not None
        seconds += summing_seconds(2 * count_parameters(work.config), device.count, bandwidth)
    if figure.unit == "ms":
        return seconds * 1e3
    sequences = len(work.lengths) / seconds * device.count
    if figure.unit == "tokens/s":
        return sequences * sum(work.lengths) / len(work.lengths)
    return HOURS_OF_SEQUENCES / sequences / 3600 if figure.unit == "hours" else sequences


def error(figure: Figure, constants: Constants = FITTED) -> float:
    """The prediction's, as a share of the figure; more than 0 where too much is predicted."""
    return predict(figure, constants) / figure.value - 1


def misses(figures: Iterable[Figure], constants: Constants) -> list[float]:
    """Of the rows which may be fitted to, the logarithm of what is predicted, as a multiple of the figure."""
    return [math.log(predict(figure, constants) / figure.value) for figure in figures if figure.fits]


def loss(figures: Iterable[Figure], constants: Constants) -> float:
    """What `fit` makes as small as it can: large misses count in proportion, small ones by their square."""
    return sum(math.sqrt(1 + (miss / SMALL_MISS) ** 2) - 1 for miss in misses(figures, constants))


def fit(figures: Iterable[Figure]) -> Constants:
    """The constants that come nearest to the rows which may be fitted to."""
    from scipy.optimize import least_squares

    rows = [figure for figure in figures if figure.fits]
    names = constant_names()
    start = [getattr(FITTED, name) for name in names]
    low, high = zip(*(BOUNDS[name] for name in names), strict=True)

    found = least_squares(
        lambda values: misses(rows, Constants(*map(float, values))),
        start,
        bounds=(low, high),
        loss="soft_l1",
        f_scale=SMALL_MISS,
    )
    return Constants(*(round(float(value), 4) for value in found.x))


# Outside these a constant would mean nothing.
BOUNDS = {
    "product_share": (0.2, 0.95),
    "watts_power": (0.0, 0.7),
    "most_share": (0.5, 0.95),
    "early_share": (0.3, 1.0),
    "shader_share": (0.3, 0.95),
    "attention_share": (0.1, 0.9),
    "bandwidth_share": (0.75, 0.95),
    "kernel_us": (0.5, 12.0),
    "half_outputs": (0.0, 20_000.0),
    "excess_traffic": (1.0, 3.0),
}


def summary(figures: list[Figure], constants: Constants = FITTED) -> dict[str, object]:
    """Median errors of the three kinds of rows, and how many there are."""
    kinds = {
        "fitted": [f for f in figures if f.fits],
        "kept rows": [f for f in figures if is_kept(f.id) and f.device.name not in KEPT_DEVICES],
        "kept devices": [f for f in figures if f.device.name in KEPT_DEVICES],
    }
    return {
        name: {
            "rows": len(rows),
            "median": round(statistics.median(abs(error(f, constants)) for f in rows), 3),
            "over 40 %": sum(abs(error(f, constants)) > 0.4 for f in rows),
        }
        for name, rows in kinds.items()
    }


def main() -> None:
    """Print the rows, or the constants that fit them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    figures = read_figures()
    constants = fit(figures) if options.fit else FITTED
    print(f"{'row':92} {'figure':>10} {'predicted':>10} {'error':>7}  binds")
    for figure in figures:
        mark = " " if figure.fits else "*"
        miss = error(figure, constants)
        binds = batch_time(figure.work, figure.device, constants).binds
        print(
            f"{mark}{figure.id:91} {figure.value:10.4g} {predict(figure, constants):10.4g} {miss:+7.0%}  {binds}"
            f"{'  ! ' + figure.explanation if abs(miss) > 0.4 else ''}"
        )
    print("* kept from the fit;  ! more than 40 % from the figure")
    if options.fit:
        print(constants)
    print(json.dumps({"benchmark": "planner", **summary(figures, constants)}))


if __name__ == "__main__":
    main()
