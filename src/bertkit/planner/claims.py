"""What a sentence claims of a device and a model: `RTX 3060, bert-base, fp16, batch 32, length 512, 500 samples/s`.

Order and wording are free. What a claim leaves out is assumed in its favour, and each assumption is reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bertkit.config.encoder import EncoderConfig
from bertkit.errors import UserError, near_match
from bertkit.planner.devices import Device
from bertkit.planner.rates import Precision, precision_called
from bertkit.planner.work import Mode

_NUMBER = r"(\d[\d,]*(?:\.\d+)?)\s*(k|thousand|m|million)?"
_SEQUENCES = r"(?:samples?|texts?|sequences?|seqs?|sentences?|queries|documents?|docs?|inferences?|examples?|requests?)"
_PER = r"\s*(?:/|per|an?|each|every)\s*(seconds?|secs?|s|minutes?|mins?|hours?|h)\b"
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_PRECISION = r"\b(fp32|float32|tf32|bf16|bfloat16|fp16|float16|half|amp|fp8|float8|int8)\b"
_MILLISECONDS = r"(\d+(?:\.\d+)?)\s*(?:ms|milliseconds?)\b"
_GIGABYTES = r"(\d+(?:\.\d+)?)\s*-?gi?b\b(?!\s*/?\s*s)"
_TRAINING = r"\b(train\w*|fine-?\s?tun\w*|pre-?train\w*)\b"


@dataclass(frozen=True, slots=True)
class Claim:
    """What was read; None is what it does not say.

    Attributes:
        plain_device: the device of the name without its gigabytes, where these make it another: of "RTX 3060 6 GB" the
            RTX 3060.
        model: the name in the claim.
        sequences_per_second, tokens_per_second, milliseconds, gigabytes: what is claimed, one or more of them.
    """

    text: str
    device: Device | None
    plain_device: Device | None
    model: str | None
    config: EncoderConfig | None
    mode: Mode
    precision: Precision | None
    batch: int | None
    length: int | None
    sequences_per_second: float | None
    tokens_per_second: float | None
    milliseconds: float | None
    gigabytes: float | None


def read_claim(text: str, devices: Sequence[Device], models: Mapping[str, EncoderConfig]) -> Claim:
    """Find the parts of a claim.

    Args:
        models: by every name that may stand in one.

    Raises:
        UserError: it claims nothing that can be computed, or names no device or model that is known.
    """
    plain = text.lower().replace("\u00d7", "x")
    sizes = re.search(r"\b(\d+)\s*x\s*(\d+)\b", plain)
    sequences, tokens = _rate(plain, _SEQUENCES), _rate(plain, "tokens?")
    model = _longest(_words(plain), models)
    _refuse_misspelt(plain, model, models)
    precision = re.search(_PRECISION, plain)
    speeds = [sequences, tokens, _amount(plain, _MILLISECONDS)]
    device, plain_device, gigabytes = _device_and_memory(plain, devices, only_memory=speeds == [None] * 3)
    claim = Claim(
        text=text,
        device=device,
        plain_device=plain_device,
        model=model,
        config=None if model is None else models[model],
        mode=_mode(plain),
        precision=precision_called(precision[1]) if precision else None,
        batch=int(sizes[1]) if sizes else _count(plain, r"batch(?:es)?(?:\s*size)?(?:\s*of)?\s*[=:]?\s*(\d+)"),
        length=int(sizes[2]) if sizes else _length(plain),
        sequences_per_second=sequences,
        tokens_per_second=tokens,
        milliseconds=speeds[2],
        gigabytes=gigabytes,
    )
    _refuse_empty(claim, devices, models)
    return claim


def _refuse_empty(claim: Claim, devices: Sequence[Device], models: Mapping[str, EncoderConfig]) -> None:
    speeds = (claim.sequences_per_second, claim.tokens_per_second, claim.milliseconds)
    if all(value is None for value in (*speeds, claim.gigabytes)):
        raise UserError(
            f"nothing to check in {claim.text!r}",
            'Say a speed, a time or a memory: "RTX 3060, bert-base, fp16, batch 32, length 512, 500 samples/s".',
        )
    if any(value == 0 for value in (*speeds, claim.gigabytes, claim.batch, claim.length)):
        raise UserError(f"a zero in {claim.text!r}", "Give numbers above 0.")
    parts = [part.strip() for part in re.split(r"[,;]", claim.text)]
    if claim.device is None and (claim.config is None or any(value is not None for value in speeds)):
        names = [name for device in devices for name in (device.name, *device.row.aliases)]
        raise UserError(
            f"no device that is known in {claim.text!r}{_nearest(parts, names)}", "`bertkit plan --devices` lists them."
        )
    if claim.config is None and any(value is not None for value in speeds):
        raise UserError(
            f"no model that is known in {claim.text!r}{_nearest(parts, models)}",
            "Name a preset, such as bert-base, or give the model as MODEL before --check.",
        )


# What hub names add to a size that is the same without.
_SAME = {"uncased", "cased", "v", "en", "whole", "word", "masking", "based", "model"}


def _refuse_misspelt(text: str, model: str | None, models: Mapping[str, EncoderConfig]) -> None:
    """`bert-bse` has the name of a model in it, and means another."""
    for token in re.findall(r"[\w./]+(?:-[\w./]+)+", text):
        parts = _words(token.rsplit("/", 1)[-1])
        known = model is not None and _words(model) == parts[: len(_words(model))]
        if known and not set(parts[len(_words(model or "")) :]) <= _SAME and not parts[-1].replace(".", "").isdigit():
            raise UserError(f"no model {token!r}{near_match(token, models)}", "Name a preset, such as bert-base.")


def _nearest(parts: Sequence[str], names: Sequence[str] | Mapping[str, EncoderConfig]) -> str:
    return next((hint for part in parts if (hint := near_match(part, names))), "")


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|\d+(?:\.\d+)?", text.lower())


def _longest(words: Sequence[str], names: Mapping[str, object] | Sequence[str]) -> str | None:
    """The name of most words that stands in the text, word by word."""
    found, most = None, 0
    for name in names:
        parts = _words(name)
        fits = any(list(words[i : i + len(parts)]) == parts for i in range(len(words) - len(parts) + 1))
        if fits and len(parts) > most:
            found, most = name, len(parts)
    return found


def _device_and_memory(
    text: str, devices: Sequence[Device], *, only_memory: bool
) -> tuple[Device | None, Device | None, float | None]:
    """The device, what it would be without the gigabytes in its name, and those that are claimed of it or of the model.

    In "RTX 3060 6GB, 100 texts/s" the gigabytes are part of the name. In "the RTX 3060 has 6 GB" they are the claim.
    """
    by_name = {name: device for device in devices for name in (device.name, *device.row.aliases)}
    gigabytes = _amount(text, _GIGABYTES)
    bare = _longest(_words(re.sub(_GIGABYTES, " ", text)), by_name)
    whole = _longest(_words(text), by_name)
    if whole is None:
        return None, None, gigabytes
    if only_memory and bare is not None:
        return by_name[bare], None, gigabytes
    named = "gb" in _words(whole) and by_name[whole].row.memory_gb == gigabytes
    other = by_name[bare] if bare is not None and by_name[bare] != by_name[whole] else None
    return by_name[whole], other, None if named else gigabytes


def _rate(text: str, what: str) -> float | None:
    found = re.search(_NUMBER + r"\s*" + what + _PER, text)
    if found is None:
        return None
    scale = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}.get(found[2] or "", 1.0)
    return float(found[1].replace(",", "")) * scale / _SECONDS[found[3][0]]


def _length(text: str) -> int | None:
    named = _count(text, r"(?:length|seq(?:uence)?[ -]?len(?:gth)?|context)(?:\s*of)?\s*[=:]?\s*(\d+)")
    return named if named is not None else _count(text, r"(\d+)[ -]tokens?\b(?!\s*(?:/|per|a\b|each|every))")


def _count(text: str, pattern: str) -> int | None:
    found = re.search(pattern, text)
    return None if found is None else int(found[1])


def _amount(text: str, pattern: str) -> float | None:
    found = re.search(pattern, text)
    return None if found is None else float(found[1])


def _mode(text: str) -> Mode:
    if re.search(r"\bpre-?train\w*\b", text):
        return "pre-training"
    return "fine-tuning" if re.search(_TRAINING, text) else "inference"
