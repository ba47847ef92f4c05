"""What was seen of a machine and of what is installed on it: plain values, so that a test can make any fault up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """The interpreter and its system.

    Attributes:
        bits: of a pointer.
        free_threaded: built without the global lock.
        translated: an Intel program that an Apple processor imitates.
        libc: `glibc`, `musl`, or nothing where it is not known.
    """

    version: tuple[int, int, int] = (3, 11, 2)
    executable: str = "python"
    system: str = "Linux"
    machine: str = "x86_64"
    bits: int = 64
    free_threaded: bool = False
    translated: bool = False
    libc: str = "glibc"
    compiler: str | None = "g++"


@dataclass(frozen=True, slots=True)
class Gpu:
    """One that torch sees.

    Attributes:
        capability: of CUDA; of AMD's what torch makes of theirs.
        free_bytes: None where it could not be asked.
    """

    name: str
    capability: tuple[int, int]
    free_bytes: int | None
    total_bytes: int


@dataclass(frozen=True, slots=True)
class TorchFacts:
    """What torch says of itself and of the machine.

    Attributes:
        cuda, hip: the version that it was built for; None where it was not.
        architectures: that its CUDA kernels are built for (`sm_80`).
        cpu_capability: the instructions of its own kernels (`AVX512`, `AVX2`, `DEFAULT`).
        amx, bfloat16, vnni: whether it finds the processor to have AMX, AVX512-BF16, AVX512-VNNI.
        onednn, mkl: whether it has these libraries.
        openmp: the OpenMP libraries that were loaded beside one another.
        said: warnings while it looked for GPUs.
        seconds: that a product of matrices takes, by precision (`float32`, `bfloat16`, `float16`, `int8`); none where
            there is no such product.
        int8_is_exact: whether its int8 product was right to the last bit; None where it was not tried.
    """

    version: str = "2.13.0"
    cuda: str | None = None
    hip: str | None = None
    architectures: tuple[str, ...] = ()
    cuda_available: bool = False
    mps_built: bool = False
    mps_available: bool = False
    gpus: tuple[Gpu, ...] = ()
    cpu_capability: str = "AVX512"
    amx: bool = False
    bfloat16: bool = False
    vnni: bool = True
    onednn: bool = True
    mkl: bool = True
    threads: int = 8
    openmp: tuple[str, ...] = ("libgomp",)
    said: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    int8_is_exact: bool | None = None


@dataclass(frozen=True, slots=True)
class TorchFailure:
    """Torch could not be asked.

    Attributes:
        kind: not installed; an error while it was imported; its process was killed by a signal; no answer in time.
        words: what it said last, on one line.
    """

    kind: Literal["absent", "error", "killed", "silent"]
    words: str = ""


@dataclass(frozen=True, slots=True)
class DriverFacts:
    """GPUs by what the system shows of them, torch not asked.

    Attributes:
        nvidia: names, by the driver.
        nvidia_driver: its version; None where none is loaded.
        nvidia_opens: whether there are device files (`/dev/nvidia0`): a container may lack them.
        nvidia_smi: what the driver's tool says where it is there and fails.
        amd: whether AMD's compute driver is loaded.
        amd_opens: whether this user may use it.
    """

    nvidia: tuple[str, ...] = ()
    nvidia_driver: tuple[int, ...] | None = None
    nvidia_opens: bool = True
    nvidia_smi: str | None = None
    amd: bool = False
    amd_opens: bool = True


@dataclass(frozen=True, slots=True)
class ProcessorFacts:
    """The CPU.

    Attributes:
        flags: of its instructions, as Linux writes them; empty where they are not known.
        cores: of the machine.
        usable: those that this process may run on.
        quota: how much of so many a container's limit gives; None for no limit.
    """

    name: str = "a processor"
    vendor: str = "GenuineIntel"
    flags: frozenset[str] = frozenset({"avx2", "fma", "avx512f", "avx512_vnni"})
    cores: int = 8
    usable: int = 8
    quota: float | None = None


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """Bytes; None where not known.

    Attributes:
        limit: of a container.
        limit_left: of that.
        shared: free in `/dev/shm`, through which processes exchange tensors.
    """

    total: int | None = 16 * 2**30
    available: int | None = 12 * 2**30
    limit: int | None = None
    limit_left: int | None = None
    shared: int | None = 8 * 2**30


@dataclass(frozen=True, slots=True)
class Folder:
    """A place that bertkit writes to.

    Attributes:
        use: in words.
        free_bytes: None where the place cannot be asked.
    """

    use: str
    path: str
    free_bytes: int | None
    writable: bool


@dataclass(frozen=True, slots=True)
class HubFacts:
    """The hub, its cache, and how it is reached.

    Attributes:
        offline: the variable that switches the network off, if one does.
        token: the place that a token was found in.
        token_is_odd: it holds what no token does.
        unfinished_bytes: of downloads that were interrupted.
    """

    cache: str = "~/.cache/huggingface/hub"
    models: int = 0
    endpoint: str = "https://huggingface.co"
    offline: str | None = None
    token: str | None = None
    token_is_odd: bool = False
    unfinished_bytes: int = 0


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A model that bertkit has without a name.

    Attributes:
        state: whole; absent; or other bytes than were published.
        words: where it is, or what is wrong.
        cure: the command that gets it.
    """

    name: str
    state: Literal["whole", "absent", "damaged"]
    words: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Package:
    """A requirement of bertkit's own, and what is installed.

    Attributes:
        wanted: as `>=2.11`; nothing for any version.
        installed: None where it is not.
        fits: whether the installed version is as wanted.
        extra: that needs it; None for what bertkit always needs.
    """

    name: str
    wanted: str
    installed: str | None
    fits: bool
    extra: str | None = None


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock of bertkit's own on a folder.

    Attributes:
        process: that has it; 0 for none; None where the system does not tell.
    """

    folder: str
    process: int | None


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """All of it. What is left out is as on a machine that has no fault.

    Attributes:
        unfinished: temporary files and folders of work that was killed.
    """

    python: PythonFacts = PythonFacts()
    torch: TorchFacts | TorchFailure = TorchFacts()
    drivers: DriverFacts = DriverFacts()
    processor: ProcessorFacts = ProcessorFacts()
    memory: MemoryFacts = MemoryFacts()
    folders: tuple[Folder, ...] = ()
    hub: HubFacts = HubFacts()
    built_in: tuple[BuiltIn, ...] = ()
    packages: tuple[Package, ...] = ()
    locks: tuple[Lock, ...] = ()
    unfinished: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
