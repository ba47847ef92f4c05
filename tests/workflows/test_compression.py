from __future__ import annotations

from pathlib import Path

from bertkit.compression.pace import Pace
from bertkit.metrics.intervals import Comparison
from bertkit.workflows.compression import Compression, MeasuredLoss

COMPARED = Comparison(difference=0.01, low=-0.005, high=0.02, wins=0.9, p_value=0.1)


def test_a_loss_in_points() -> None:
    loss = MeasuredLoss.of("accuracy", 0.91, 0.90, 100.0, COMPARED)
    assert str(loss) == "accuracy 0.9100 to 0.9000, loss +1.00 points (95 %: -0.50 to +2.00)"
    risen = MeasuredLoss.of("loss", 2.0, 2.2, -50.0, None)
    assert str(risen) == "loss 2.0000 to 2.2000, loss +10.00 points"
    turned = MeasuredLoss.of("mean_squared_error", 0.1, 0.2, -100.0, COMPARED)
    assert (turned.low, turned.high) == (-2.0, 0.5)


def test_the_card_says_what_was_done() -> None:
    made = Compression(
        Path("small"),
        "int8",
        438_000_000,
        110_000_000,
        MeasuredLoss.of("f1", 88.0, 87.8, 1.0, None),
        (Pace(1000.0, 10.0, 12.0), Pace(3000.0, 4.0, 5.0)),
        ("layers.1.mlp.down.weight",),
        ("layers.0.mlp.up.weight",),
    )
    section = made.section("100 examples of dev.json")
    assert "| weights, MB | 438.0 | 110.0 |" in section
    assert "| tokens a second | 1,000 | 3,000 |" in section
    assert "| f1 | 88.0000 | 87.8000 |" in section
    assert "* kept in floating point: layers.1.mlp.down.weight" in section
    assert "* a scale for each row of what is read: layers.0.mlp.up.weight" in section
    assert "100 examples of dev.json" in section
    assert "438.0 to 110.0 MB" in repr(made)
    assert "layers.1.mlp.down.weight" in made._repr_html_()


def test_without_data_there_is_only_the_size() -> None:
    made = Compression(Path("small"), "bf16", 438_000_000, 219_000_000)
    assert made.rows() == [("weights, MB", "438.0", "219.0")]
    assert made.facts() == []
    assert made.record()["metric"] is None
    assert "Measured on" not in made.section(None)
