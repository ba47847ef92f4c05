"""What messages and pages tell people to type exists: every command, every option, every setting, and their words."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from bertkit.cli.main import commands
from bertkit.cli.remedies import options_of
from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.search import SweepConfig
from bertkit.config.strict import dotted_keys
from bertkit.config.training import TrainingConfig
from tests.architecture.test_chains import MODULES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
# A log tells what was once typed, and quotes what others have.
PAGES = [page for page in PAGES if page.name != "log.md"]

KNOWN = {name: options_of(command) for name, command in commands().items()}
OPTIONS = {option for options in KNOWN.values() for option in options} | {"--version"}
KEYS = {key for kind in (TrainingConfig, FinetuneConfig) for key in dotted_keys(kind)}
KEYS |= {f"search.{key}" for key in dotted_keys(SweepConfig.model_fields["space"].annotation)}  # type: ignore[arg-type]

# Options of other programs, in what is said about them.
OTHERS = {
    "pip": re.compile(r"\bpip install\b.*|--force-reinstall"),
    "docker": re.compile(r"\bdocker run\b.*|--ipc host"),
    "git": re.compile(r"\bgit [a-z]+\b.*"),
    "nvidia-smi": re.compile(r"--query-gpu=\S*|--format=csv\S*"),
}
OPTION = re.compile(r"(?<![\w/-])(--[a-z][a-z-]*)(?![\w*]*--)")
TYPED = re.compile(r"\bbertkit (?P<rest>[a-z][a-z-]* (?:[^\s`]+ ?)*[^\s`]*|[a-z][a-z-]*)")
SETTING = re.compile(r"--set[ =]\"?([a-z_]+(?:\.[a-z_]+)+)")


class Said(NamedTuple):
    """A text that somebody reads, and where it is from."""

    place: str
    text: str


def messages() -> Iterator[Said]:
    """Every string of the source that may be printed: docstrings and names of options are not."""
    for module, tree in MODULES.items():
        silent = set(map(id, _docstrings(tree)))
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                silent |= set(map(id, node.values))
        for node in ast.walk(tree):
            if id(node) not in silent and (text := _text(node)) and " " in text.strip():
                yield Said(f"{module}:{getattr(node, 'lineno', 0)}", text)


def _docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            yield body[0].value


def _text(node: ast.AST) -> str:
    """The words of a string; what is put into it is `…`."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def page_commands() -> Iterator[Said]:
    """Every command of the pages: lines of their bash blocks, and what stands in backticks."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```(?:bash|console|sh)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
        outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        for line in [*lines, *re.findall(r"`(bertkit [^`\n]+)`", outside)]:
            command = re.sub(r"(?:^|\s)#.*", "", line)
            if re.search(r"(?:^|[\s|(])bertkit [a-z]", command):
                yield Said(str(page.relative_to(ROOT)), command)


SAID = list(messages())


def wrong_in_command(line: str) -> list[str]:
    """What is wrong with `predict -m MODEL …`, as it is typed behind the program's name."""
    try:
        name, *words = shlex.split(line, comments=True)
    except ValueError:
        name, *words = line.split()
    if name not in KNOWN:
        return [f"no command {name}"]
    wrong = []
    for word, after in pairwise([*words, ""]):
        option, equals, given = word.strip(".,;:)").partition("=")
        if not re.fullmatch(r"--[a-z][a-z-]*|-[a-z]", option):
            continue
        if option not in KNOWN[name]:
            wrong.append(f"{name} has no option {option}")
        elif KNOWN[name][option] and (value := given if equals else after).islower():
            wrong += [f"{name} {option} is never {one}" for one in value.split("|") if one not in KNOWN[name][option]]
    return wrong


def in_command(text: str) -> Iterator[str]:
    """What follows the program's name, each time that it stands in a text."""
    for line in re.split(r"(?<=\S) (?:\||&&|>) |; |, then |,? or (?=bertkit )", text):
        for found in TYPED.finditer(line):
            yield found["rest"]


def test_something_is_looked_at() -> None:
    assert len([said for said in SAID if OPTION.search(said.text)]) > 150
    assert len([rest for said in SAID for rest in in_command(said.text) if rest.split()[0] in KNOWN]) > 20
    assert len(list(page_commands())) > 50


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("predict -m MODEL --long truncate", []),
        ("predikt x", ["no command predikt"]),
        ("quickstart --on-error record", ["quickstart has no option --on-error"]),
        ("export M --to onxx -o OUT", []),  # words of its own, which its own message lists
        ("predict --long cut", ["predict --long is never cut"]),
    ],
)
def test_what_is_wrong_is_found(line: str, wrong: list[str]) -> None:
    assert wrong_in_command(line) == wrong


def test_every_option_that_a_message_names_is_there() -> None:
    wrong = []
    for said in SAID:
        text = said.text
        for foreign in OTHERS.values():
            text = foreign.sub("", text)
        wrong += [f"{said.place}: {option}" for option in OPTION.findall(text) if option not in OPTIONS]
    assert wrong == []


def test_every_command_that_a_message_names_is_there_and_takes_what_it_says() -> None:
    typed = [(said.place, rest) for said in SAID for rest in in_command(said.text)]
    shown = [(place, rest) for place, rest in typed if rest.split()[0] in KNOWN]
    assert [f"{place}: {wrong}" for place, rest in shown for wrong in wrong_in_command(rest)] == []


def test_every_command_of_a_page_is_there_and_takes_what_it_says() -> None:
    wrong = [
        (said.place, fault)
        for said in page_commands()
        for rest in in_command(said.text)
        for fault in wrong_in_command(rest)
    ]
    assert wrong == []


def test_every_setting_that_is_named_is_there() -> None:
    texts = [*SAID, *(Said(str(page), page.read_text(encoding="utf-8")) for page in PAGES)]
    named = [(said.place, key) for said in texts for key in SETTING.findall(said.text)]
    assert len(named) > 5
    assert [(place, key) for place, key in named if key not in KEYS] == []
