"""Tests mirror the sources: `src/bertkit/formats/rows.py` has `tests/formats/test_rows.py`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE, TESTS = ROOT / "src/bertkit", ROOT / "tests"
# The modules that have no test file of their own name, and why. Nothing is added: a new module comes with its test, and
# what has got one leaves the list.
DECLARED = "nothing in it runs: it declares what others check or fill in"
DATA = "data, of which every row is tried: families/test_keys.py, parity/test_families.py, parity/test_keys.py"
TABLES = "tables of settings, read in config/test_training_file.py and by the workflow that they belong to"
PLANNED = "a part of a plan, tried against what a machine took: planner/test_plan.py, planner/test_training_memory.py"
TYPED = "tried as it is typed: cli/test_main.py, cli/test_plan.py, cli/test_quickstart.py, cli/test_finetune.py"
WITHOUT: dict[str, str] = {
    "__main__": TYPED,
    "batching/training_batch": DECLARED,
    **dict.fromkeys(
        (
            *("cli/options", "cli/plan_words"),
            *("cli/quickstart_tasks", "cli/quickstart_tuning", "cli/task_options"),
        ),
        TYPED,
    ),
    **dict.fromkeys(
        (
            *("config/comparing", "config/evaluation", "config/explaining", "config/exporting", "config/finetuning"),
            *("config/preparing", "config/training"),
        ),
        TABLES,
    ),
    **dict.fromkeys(
        (
            *("families/albert", "families/bert", "families/contract", "families/distilbert"),
            *("families/electra", "families/eurobert", "families/harmless", "families/modernbert", "families/mpnet"),
            *("families/nomic", "families/roberta", "families/spelling"),
        ),
        DATA,
    ),
    "finetuning/job": DECLARED,
    "labelled/examples": DECLARED,
    "objectives/objective": DECLARED,
    **dict.fromkeys(
        (*("planner/activations", "planner/judging"),),
        PLANNED,
    ),
    **dict.fromkeys(("sklearn/fine_tuned", "sklearn/tuning"), "what the estimators share: sklearn/test_text_*.py"),
    "tokenization/tokens": DECLARED,
    "training/observer": DECLARED,
    "workflows/audit": "one call: workflows/test_prepare.py",
}


def without_mirror(package: Path, tests: Path) -> set[str]:
    """The modules of a package that have no test file of their own name in the folder of theirs."""
    modules = (path.relative_to(package) for path in package.rglob("*.py") if path.name != "__init__.py")
    return {
        path.with_suffix("").as_posix()
        for path in modules
        if not (tests / path.parent / f"test_{path.stem}.py").exists()
    }


def test_every_module_has_a_test_file_but_those_of_the_list() -> None:
    assert sorted(without_mirror(PACKAGE, TESTS)) == sorted(WITHOUT)


def test_a_module_without_one_is_seen(tmp_path: Path) -> None:
    for path in ("package/room/seen.py", "package/room/unseen.py", "package/room/__init__.py", "package/root.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    for path in ("tests/room/test_seen.py", "tests/other/test_unseen.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert without_mirror(tmp_path / "package", tmp_path / "tests") == {"room/unseen", "root"}


def test_the_reasons_name_test_files_that_there_are() -> None:
    for why in set(WITHOUT.values()):
        for name in (word.strip(",:") for word in why.split() if word.strip(",:").endswith(".py")):
            assert list(TESTS.glob(name)), name
