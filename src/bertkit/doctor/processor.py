"""The CPU: which of its instructions are used, and how many threads run on how many cores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from bertkit.doctor.facts import MachineFacts, ProcessorFacts, TorchFacts
from bertkit.doctor.finding import DoctorFinding

# Threads by these variables, as torch's libraries read them.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT")
# Instructions that these leave unused.
LIMITING = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS")
REFERENCE_TIMES = 10.0  # a product in fewer bits that takes so much longer than in float32 has no kernel of its own
IMITATED_TIMES = 1.5


def instructions(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """What the processor has for products of matrices, and whether torch uses it."""
    torch, seen = facts.torch, facts.processor
    if not isinstance(torch, TorchFacts):
        return
    had = {
        "AMX": torch.amx,
        "AVX512-BF16": torch.bfloat16,
        "AVX512-VNNI": torch.vnni,
    }
    used = [name for name, there in had.items() if there]
    shown = ", ".join([torch.cpu_capability, *used])
    yield DoctorFinding("CPU", "ok", f"{seen.name}: {shown}")
    limits = {name: facts.environment[name] for name in LIMITING if name in facts.environment}
    if limits:
        words = ", ".join(f"{name}={value}" for name, value in limits.items())
        yield DoctorFinding(
            "CPU", "warning", f"{words} keeps instructions from being used", f"Unset {' and '.join(limits)}."
        )
    if "amx_tile" in seen.flags and not torch.amx and not limits:
        cure = "Use Linux 5.16 or newer, and a container or hypervisor that lets AMX through."
        yield DoctorFinding("CPU", "warning", "the processor has AMX, and the system does not let torch use it", cure)
    if "avx2" in seen.flags and torch.cpu_capability == "DEFAULT" and not limits:
        cure = "Install one of torch's own builds: pip install --force-reinstall torch."
        yield DoctorFinding("CPU", "warning", "this torch is built without AVX2 and AVX512 kernels", cure)
    elif seen.flags and "avx2" not in seen.flags:
        cure = "Nothing on this machine; any x86-64 processor since 2015 has it."
        yield DoctorFinding("CPU", "warning", "the processor has no AVX2: everything is several times slower", cure)
    if not torch.onednn:
        cure = "Install one of torch's own builds: pip install --force-reinstall torch."
        yield DoctorFinding(
            "CPU", "warning", "this torch is built without oneDNN, bertkit's fast products on CPUs", cure
        )


def precisions(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """What fewer bits are worth here: by the processor's instructions, and by one product of each, timed."""
    torch = facts.torch
    if not isinstance(torch, TorchFacts) or not torch.onednn:
        return
    times = {name: torch.seconds[name] / torch.seconds["float32"] for name in torch.seconds} if torch.seconds else {}
    yield from _bfloat16(torch, times.get("bfloat16"))
    yield from _int8(torch, times.get("int8"))
    if times.get("float16", 0.0) > REFERENCE_TIMES:
        cure = "Leave --dtype at auto, which takes no float16 on CPUs."
        yield DoctorFinding(
            "float16", "note", f"takes {times['float16']:.0f} times as long as float32 on this CPU", cure
        )


def _bfloat16(torch: TorchFacts, times: float | None) -> Iterator[DoctorFinding]:
    shown = "" if times is None else f"; a product takes {times:.2f} of float32's time"
    if not (torch.amx or torch.bfloat16) and times is not None and times < 1 / IMITATED_TIMES:
        cure = "Try --dtype bfloat16: auto takes float32 here."
        yield DoctorFinding("bfloat16", "note", f"faster than float32, though no instructions are known{shown}", cure)
    elif not (torch.amx or torch.bfloat16):
        cure = "Leave --dtype at auto: it takes float32 here."
        yield DoctorFinding(
            "bfloat16", "note", f"the processor has no instructions for it, and imitates it{shown}", cure
        )
    elif times is not None and times > IMITATED_TIMES:
        cure = "Answer with --dtype float32; see that no other program was busy, and ask again."
        yield DoctorFinding("bfloat16", "warning", f"slower than float32 although there are instructions{shown}", cure)
    else:
        yield DoctorFinding("bfloat16", "ok", f"has instructions of its own{shown}")


def _int8(torch: TorchFacts, times: float | None) -> Iterator[DoctorFinding]:
    shown = "" if times is None else f"; a product takes {times:.2f} of float32's time"
    if torch.int8_is_exact is False:
        cure = "Keep models in float32 here, or in int8 with weights of 7 bits."
        yield DoctorFinding(
            "int8", "warning", "products saturate: sums of two do not fit into 16 bits, and are cut", cure
        )
    elif times is not None and times > REFERENCE_TIMES:
        cure = "Keep models in float32 or bfloat16 here."
        yield DoctorFinding("int8", "warning", f"runs in reference code, which is not made to be fast{shown}", cure)
    elif not (torch.vnni or torch.amx) and (times is None or times > 1 / IMITATED_TIMES):
        cure = "Keep models in float32 here."
        yield DoctorFinding("int8", "note", f"no VNNI, and so hardly worth it{shown}", cure)
    else:
        exact = "products are exact" if torch.int8_is_exact else "has instructions of its own"
        yield DoctorFinding("int8", "ok", f"{exact}{shown}")


def mkl_on_amd(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """Intel's library takes slower ways on other makers' processors."""
    torch = facts.torch
    if isinstance(torch, TorchFacts) and torch.mkl and facts.processor.vendor == "AuthenticAMD":
        better = torch.amx or torch.bfloat16
        cure = (
            "Answers do not go through it but through oneDNN; train with train.precision = 'bfloat16'."
            if better
            else "Answers do not go through it but through oneDNN; nothing is to be done."
        )
        yield DoctorFinding("MKL", "note", "float32 products of training go through Intel's MKL, slow on AMD", cure)


def threads(facts: MachineFacts) -> Iterator[DoctorFinding]:
    """How many compute, for how many cores."""
    torch, seen, given = facts.torch, facts.processor, facts.environment
    for name in THREADS:
        first = given.get(name, "1").split(",")[0].strip()
        if name in given and not (first.isdigit() and int(first) > 0):
            cure = f"Unset {name}, or give it a number from 1 on."
            yield DoctorFinding("threads", "problem", f"{name} is {given[name]!r}, which is no number of threads", cure)
    if given.get("TOKENIZERS_PARALLELISM", "").lower() in ("0", "false", "off", "no", "f", "n"):
        cure = "Unset TOKENIZERS_PARALLELISM."
        yield DoctorFinding("threads", "note", "TOKENIZERS_PARALLELISM keeps tokenising on one thread", cure)
    if not isinstance(torch, TorchFacts):
        return
    cores = usable_cores(seen)
    words = f"{torch.threads} for {_cores(seen)}"
    if torch.threads > math.ceil(cores):
        cure = f"Set OMP_NUM_THREADS={max(1, int(cores))}."
        yield DoctorFinding("threads", "warning", f"{words}: they wait for one another", cure)
    elif torch.threads < int(cores):
        yield DoctorFinding("threads", "warning", f"{words}: the others are idle", _more_threads(given, int(cores)))
    else:
        yield DoctorFinding("threads", "ok", words)


def usable_cores(seen: ProcessorFacts) -> float:
    """Cores that this process may use; a container's limit may be a fraction."""
    return seen.usable if seen.quota is None else min(float(seen.usable), seen.quota)


def _cores(seen: ProcessorFacts) -> str:
    whole = f"{seen.cores} core{'s' if seen.cores != 1 else ''}"
    if seen.quota is not None and seen.quota < seen.usable:
        return f"the {seen.quota:g} of {whole} that the container may use (cpu.max)"
    return whole if seen.usable == seen.cores else f"the {seen.usable} of {whole} that this process may run on"


def _more_threads(given: Mapping[str, str], cores: int) -> str:
    set_ = [name for name in THREADS if name in given]
    if set_:
        return f"Unset {' and '.join(set_)}, or set {'it' if len(set_) == 1 else 'them'} to {cores}."
    return f"Set OMP_NUM_THREADS={cores}."
