"""`bertkit serve`: models behind HTTP, in the protocols that clients already speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from bertkit.cli import options
from bertkit.errors import UserError

if TYPE_CHECKING:
    from bertkit.inference.served import ServedModel
    from bertkit.server.settings import ServeSettings

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        help="FOLDER, NAME=FOLDER or NAME=FOLDER@TASK, any number of times; those that come with bertkit if left out.",
        metavar="MODEL",
    ),
]
Folders = Annotated[list[str] | None, typer.Argument(help="The same as -m.", metavar="MODEL")]
Index = Annotated[
    Path | None,
    typer.Option(help="What `bertkit index` made: searched at POST /v1/search and on the page.", metavar="INDEX"),
]
Host = Annotated[str, typer.Option(help="The address; another than this machine's own needs keys.", metavar="HOST")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.", metavar="PORT")]
Socket = Annotated[Path | None, typer.Option(help="A Unix socket, instead of host and port.", metavar="PATH")]
Keys = Annotated[
    Path | None, typer.Option(help="Hashes of the keys that may ask; everything but /health needs one.", metavar="FILE")
]
NewKey = Annotated[
    str | None,
    typer.Option(help="Make a key, add its hash to the file of keys that is named, print it once.", metavar="NAME"),
]
AdminKeys = Annotated[
    Path | None, typer.Option(help="The same, of keys that may have the models loaded again.", metavar="FILE")
]
NoAuth = Annotated[bool, typer.Option("--no-auth", help="Answer anyone, on an address that others reach.")]
Hosts = Annotated[
    list[str] | None, typer.Option("--allow-host", help="A name that requests may be addressed to.", metavar="NAME")
]
Certificate = Annotated[Path | None, typer.Option(help="TLS: the certificate, PEM.", metavar="FILE")]
PrivateKey = Annotated[Path | None, typer.Option(help="TLS: its key, PEM.", metavar="FILE")]
Truncate = Annotated[
    Literal["never", "as-protocol", "windows"],
    typer.Option(
        help="A text too long, where a request does not say: refuse it, do as its protocol does, or read all."
    ),
]
BatchTokens = Annotated[int | None, typer.Option(min=1, metavar="N", help="Tokens in one batch.")]
QueueTokens = Annotated[
    int | None, typer.Option(min=2, metavar="N", help="Tokens that wait for one model; more are refused with 429.")
]
P95 = Annotated[
    str | None,
    typer.Option(
        "--p95", metavar="TIME", help="In which 95 of 100 texts should be answered, such as 50ms; others get 429."
    ),
]
MemoryMb = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Megabytes of the process, with more of which requests get 429.")
]
CacheMb = Annotated[
    int, typer.Option(min=0, metavar="N", help="Megabytes of what was computed, kept for a client that asks again.")
]
Drain = Annotated[float, typer.Option(min=0, metavar="SECONDS", help="For what was accepted, when told to end.")]
LogRequests = Annotated[bool, typer.Option("--log-requests/--no-log-requests", help="A line of JSON a request.")]


def serve(
    models: Folders = None,
    model: Models = None,
    index: Index = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    socket: Socket = None,
    api_key_file: Keys = None,
    admin_key_file: AdminKeys = None,
    new_key: NewKey = None,
    no_auth: NoAuth = False,
    allow_host: Hosts = None,
    certificate: Certificate = None,
    private_key: PrivateKey = None,
    truncate: Truncate = "as-protocol",
    dtype: options.DType = "auto",
    device: options.Device = "auto",
    invariant: options.Invariant = False,
    batch_tokens: BatchTokens = None,
    queue_tokens: QueueTokens = None,
    p95: P95 = None,
    cache_mb: CacheMb = 0,
    memory_mb: MemoryMb = None,
    drain: Drain = 30.0,
    log_requests: LogRequests = True,
) -> None:
    """Answer over HTTP, for any number of models. SIGHUP loads them again; SIGTERM answers what was accepted, and ends.

    OpenAI's, Cohere's, Ollama's, vLLM's and NVIDIA's routes, those of text-embeddings-inference and of the Open
    Inference Protocol, and POST /v1/predict, which takes rows and gives records as `bertkit predict` does.
    """
    _check_installed()
    from bertkit.server import access, loading
    from bertkit.server.served_index import ServedIndex
    from bertkit.server.settings import Seconds, ServeSettings

    if new_key is not None:
        _print_new_key(new_key, [file for file in (api_key_file, admin_key_file) if file is not None])
    searched = None if index is None else ServedIndex.open(index)
    specs = loading.read_specs([*(models or []), *(model or [])], *([searched.spec] if searched else []))
    settings = ServeSettings(
        host=host,
        port=port,
        socket=socket,
        hosts=tuple(allow_host or ()),
        key_hashes=() if api_key_file is None else access.read_keys(api_key_file),
        admin_hashes=() if admin_key_file is None else access.read_keys(admin_key_file),
        certificate=certificate,
        private_key=private_key,
        truncate=truncate,
        queue_tokens=queue_tokens,
        most_bytes=None if memory_mb is None else memory_mb * 1_000_000,
        p95_seconds=None if p95 is None else read_seconds(p95),
        cache_bytes=cache_mb * 1_000_000,
        index=searched,
        seconds=Seconds(drain=drain),
    )
    _check(settings, no_auth)
    given = {"dtype": dtype, "device": device, "batch_tokens": batch_tokens, "invariant": invariant}
    _run(settings, lambda: loading.load_models(specs, given), log_requests)


def _run(settings: ServeSettings, load: Callable[[], Sequence[ServedModel]], log_requests: bool) -> None:
    """Serves until told to end."""
    from bertkit.server.run import log_to_stderr, run
    from bertkit.terminal.messages import say

    log_to_stderr(requests=log_requests)
    if code := run(settings, load, say):
        raise typer.Exit(code)


def read_seconds(words: str) -> float:
    """What `50ms`, `0.05s` or `0.05` says.

    Raises:
        UserError: it is no time, or none at all.
    """
    number, factor = (words[:-2], 1e-3) if words.endswith("ms") else (words.removesuffix("s"), 1.0)
    try:
        seconds = factor * float(number)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UserError(f"{words!r} is no time", "Such as 50ms or 0.2s.")
    return seconds


def _check_installed() -> None:
    """What the extra brings is there."""
    missing = [name for name in ("fastapi", "uvicorn", "orjson", "prometheus_client") if find_spec(name) is None]
    if missing:
        raise UserError(f"serving needs {', '.join(missing)}", "pip install 'bertkit[serve]'")


def _print_new_key(name: str, files: Sequence[Path]) -> NoReturn:
    """Makes a key, shows it, and ends the command."""
    from bertkit.server.access import add_key

    if not files:
        raise UserError("--new-key without --api-key-file", "Name the file that its hash is added to.")
    if len(files) > 1:
        raise UserError("--new-key with two files of keys", "Name the one that its hash is added to.")
    typer.echo(add_key(files[0], name))
    raise typer.Exit


def _check(settings: ServeSettings, no_auth: bool) -> None:
    """Refuses what would be open to anyone without its being said, and TLS by halves."""
    from bertkit.server.access import is_local

    if no_auth and settings.key_hashes:
        raise UserError("--no-auth with --api-key-file", "Leave one of them out.")
    if settings.socket is None and not is_local(settings.host) and not settings.key_hashes and not no_auth:
        raise UserError(
            f"{settings.host} is an address that others reach, and no key is asked for",
            "Give --api-key-file FILE, or say --no-auth.",
        )
    if (settings.certificate is None) != (settings.private_key is None):
        raise UserError("a certificate without its key, or a key without one", "Give --certificate and --private-key.")
