"""The numbers of docs/choosing.md are the planner's; running this file as a module writes them again.

python -m tests.planner.test_choosing_page
"""

from __future__ import annotations

import re
from pathlib import Path

from bertkit.families.known import known_models
from bertkit.planner.devices import find_device, load_devices
from bertkit.planner.parameters import count_parameters
from bertkit.planner.plan import Plan, Question, make_plan
from bertkit.planner.prices import load_prices, prices_of
from bertkit.planner.software import SOFTWARE
from bertkit.planner.work import Mode

PAGE = Path(__file__).parents[2] / "docs" / "choosing.md"
MODELS = (
    "all-minilm-l6-v2",
    "distilbert-base",
    "bert-base",
    "bert-large",
    "roberta-base",
    "roberta-large",
    "albert-base",
    "albert-xxlarge",
    "modernbert-base",
    "modernbert-large",
    "bert-base-multilingual-cased",
    "xlm-roberta-base",
    "xlm-roberta-large",
)
LONG = ("bert-base", "modernbert-base", "modernbert-large", "eurobert-210m", "nomic-bert-embed-text-v1.5")
BLOCK = re.compile(r"(<!-- planner: (\w+) -->\n).*?(<!-- /planner -->)", re.DOTALL)
GB = 1e9


def plan(model: str, device: str, mode: Mode = "inference", length: int = 128, batch: int | None = None) -> Plan:
    config, found = known_models()[model], find_device(device, load_devices())
    return make_plan(Question(model, config, found, mode, (length,), SOFTWARE["bertkit"], batch=batch))


def table(header: str, rows: list[list[str]]) -> str:
    titles = header.split("|")
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "".join(f"| {' | '.join(cell.strip() for cell in line)} |\n" for line in lines)


def costs() -> str:
    """What each takes to answer, and to learn."""
    rows = []
    for model in MODELS:
        l4, cpu, learnt = plan(model, "L4"), plan(model, "EPYC Zen 4:4"), plan(model, "L4", "fine-tuning")
        dollars = l4.cost_of_a_million(prices_of(l4.question.device, load_prices())[0])
        rows.append(
            [
                model,
                f"{count_parameters(l4.question.config) / 1e6:,.0f}",
                f"{l4.needed.weights / GB:.2f}",
                f"{l4.flops / l4.batch / 1e9:,.1f}",
                f"{l4.sequences_per_second or 0:,.0f}",
                f"{dollars or 0:.2f}",
                f"{cpu.sequences_per_second or 0:,.0f}",
                f"{learnt.needed.total / GB:.1f}",
                f"{learnt.sequences_per_second or 0:,.0f}",
            ]
        )
    return table(
        "model | parameters, M | weights, GB | GFLOP a text | L4: texts/s | $ a million | 4 cores: texts/s | "
        "to fine-tune, GB | L4: texts/s learnt",
        rows,
    )


def long_texts() -> str:
    """What a long text takes."""
    rows = []
    for model in LONG:
        row = [model, f"{known_models()[model].max_length:,}"]
        for length in (512, 2048, 8192):
            if length > known_models()[model].max_length:
                row += ["windows"]
                continue
            found = plan(model, "L4", length=length, batch=8)
            row += [f"{(found.tokens_per_second or 0) / 1e3:,.0f}"]
        rows.append(row)
    return table("model | tokens | 512 | 2,048 | 8,192", rows)


BLOCKS = {"costs": costs, "long": long_texts}


def page() -> str:
    """The page with the numbers as the planner has them."""
    text = PAGE.read_text(encoding="utf-8")
    return BLOCK.sub(lambda found: found[1] + BLOCKS[found[2]]() + found[3], text)


def test_the_numbers_are_the_planners() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert {found[2] for found in BLOCK.finditer(text)} == set(BLOCKS)
    assert text == page(), "python -m tests.planner.test_choosing_page writes them again"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
