"""What to do about an error, in the words of the command that met it.

Most errors are raised far below the command line, by code that several commands call, and name the option that helps
where there is one: `go on without the bad rows with --on-error record`. A command that has no such option has a setting
instead (`--set train.device=cpu`), or that way out is none of its and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, get_args, get_origin

from typer.core import TyperCommand, TyperOption

from bertkit.config.wording import NO_VALUES
from bertkit.errors import BertkitError

# What is typed elsewhere, whoever is asked: in backticks, or from the name of a program to the end of the sentence.
_ELSEWHERE = re.compile(r"`[^`]*`|\b(?:bertkit|pip|docker|git) [a-z-]+.*?(?=[;.)](?: |$)|$)")
_OPTION = re.compile(r"(?<![\w-])(?P<option>--[a-z][a-z-]*|-[a-z]\b)(?: (?P<value>[a-z0-9][a-z0-9-]*))?")
_SENTENCE = re.compile(r"(?<=[.;])\s+")
_ALTERNATIVE = re.compile(r",? or (?![^(]*\))|, (?=a |an |the |--)(?![^(]*\))")
_VERB = re.compile(r"(?:or )?(?P<verb>[A-Za-z]+) ")
_NOUN = re.compile(r"(?:an?|the|another|other|--?[a-z]\S*) ")
# Options of commands that answer, by the settings of those that train.
_SETTINGS = {"--device": "device", "--dtype": "precision", "--batch-tokens": "micro_batch_tokens", "-o": "directory"}


def in_words_of(name: str, commands: Mapping[str, TyperCommand], error: BertkitError) -> str:
    """The remedy of an error, else that of all errors of its kind, with nothing in it that a command does not take.

    Args:
        name: of the command.
        commands: all that there are.
        error: what the command met.
    """
    taken = options_of(commands[name])
    foreign: dict[str, set[str]] = {}
    for command in commands.values():
        for option, words in options_of(command).items():
            foreign[option] = foreign.get(option, set()) | (words - taken.get(option, set()))
    settings = _settings_of(name) if "--set" in taken else {}
    for remedy in (error.remedy, error.default_remedy):
        kept = [_kept(sentence, taken, foreign, settings) for sentence in _SENTENCE.split(remedy)]
        told = " ".join(sentence for sentence in kept if sentence)
        if told:
            return _sentence(told)
    return f"See what it takes: bertkit {name} --help."


Words = Mapping[str, set[str]]


def options_of(command: TyperCommand) -> Words:
    """Every option of a command, with the words that it chooses from; none where it takes any."""
    found: dict[str, set[str]] = {"--help": set(), "--debug": set()}
    for parameter in command.params:
        if isinstance(parameter, TyperOption):
            words = set(_literals(parameter.type_descriptor.annotation))
            found |= dict.fromkeys((*parameter.opts, *parameter.secondary_opts), words)
    return found


def _literals(annotation: object) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from map(str, get_args(annotation))
    else:
        for part in get_args(annotation):
            yield from _literals(part)


def _settings_of(command: str) -> Mapping[str, str]:
    """Of options that other commands have: what `--set` calls them."""
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.config.strict import dotted_keys
    from bertkit.config.training import TrainingConfig

    keys = list(dotted_keys(TrainingConfig if command == "pretrain" else FinetuneConfig))
    found = {option: [key for key in keys if key.rpartition(".")[2] == name] for option, name in _SETTINGS.items()}
    return {option: key[0] for option, key in found.items() if key}


def _kept(sentence: str, taken: Words, foreign: Words, settings: Mapping[str, str]) -> str:
    """A sentence without the alternatives that the command has no option for; empty where none is left."""
    end = sentence[-1] if sentence[-1] in ".;" else ""
    pieces = _ALTERNATIVE.split(sentence.removesuffix(end))
    kept: list[str] = []
    verb = ""
    for piece in pieces:
        begun = _VERB.match(piece)
        verb = begun["verb"] if begun and not _NOUN.match(piece) else verb
        said = _translated(piece, taken, foreign, settings)
        if said is not None:
            kept.append(f"{verb.lower()} {said}" if not kept and _NOUN.match(said) else said)
    if len(kept) == len(pieces):  # as it was, its commas too
        return _translated(sentence, taken, foreign, settings) or ""
    return " or ".join(kept) + (end or ".") if kept else ""


def _translated(piece: str, taken: Words, foreign: Words, settings: Mapping[str, str]) -> str | None:
    """A part of a sentence in the command's own options; None where it has one of others.

    Args:
        foreign: of each option, the words that it can be followed by in other commands only.
    """
    missing = False

    def said(found: re.Match[str]) -> str:
        nonlocal missing
        option, value = found["option"], found["value"]
        if option in taken:
            missing |= value in foreign.get(option, ())
            return found[0]
        if option not in settings:
            missing = True
            return found[0]
        if value is None or value in NO_VALUES:
            return f"{settings[option]} (--set){f' {value}' if value else ''}"
        return f"--set {settings[option]}={value}"

    parts, end = list[str](), 0
    for elsewhere in _ELSEWHERE.finditer(piece):
        parts += [_OPTION.sub(said, piece[end : elsewhere.start()]), elsewhere[0]]
        end = elsewhere.end()
    whole = "".join([*parts, _OPTION.sub(said, piece[end:])])
    return None if missing else whole


def _sentence(text: str) -> str:
    """The text begun and ended as a sentence, unless it begins with what is typed."""
    whole = f"{text[:-1]}." if text.endswith(";") else text
    return whole if whole.startswith(("bertkit ", "pip ")) else whole[:1].upper() + whole[1:]
