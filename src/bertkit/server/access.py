"""Who may ask: keys of which only hashes are kept, and names under which the server is addressed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from bertkit.errors import ConfigError, NotAllowed, OutputError, UserError

Hashes = Sequence[tuple[str, str]]
OPEN_PATHS = "/health"  # and what is below it: probes have no key
ADMIN_PATHS = "/v1/admin"  # and what is below it: for keys that may change the server


def new_key() -> str:
    """A key that nobody has yet."""
    return f"bk-{secrets.token_urlsafe(32)}"


def key_hash(key: str) -> str:
    """What is kept of a key. A key is drawn at random, so that a plain hash cannot be searched."""
    return hashlib.sha256(key.encode()).hexdigest()


def read_keys(path: Path) -> tuple[tuple[str, str], ...]:
    """The hashes of a file of keys: on each line what the key is called, and its SHA-256; `#` begins a remark.

    Raises:
        UserError: there is no such file.
        ConfigError: a line is something else, or there is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}", "Make one: bertkit serve --new-key NAME.") from None
    found = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or len(words[1]) != 64 or not set(words[1].lower()) <= set("0123456789abcdef"):
            raise ConfigError(f"{path}:{number}: not a name and a SHA-256", "Write the hash of the key, not the key.")
        found.append((words[0], words[1].lower()))
    if not found:
        raise ConfigError(f"{path}: no key", "Add one: bertkit serve --new-key NAME --api-key-file FILE.")
    return tuple(found)


def add_key(path: Path, name: str) -> str:
    """A new key; its hash is added to a file, which only its owner can read.

    Raises:
        UserError: a name has spaces.
        OutputError: the file cannot be written.
    """
    if not name or name.split() != [name] or "#" in name:
        raise UserError(f"{name!r} cannot be what a key is called", "Choose one word.")
    key = new_key()
    try:
        with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
            file.write(f"{name} {key_hash(key)}\n")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}", "Name another with --api-key-file.") from None
    return key


def client_of(authorization: str, api_key: str, hashes: Hashes) -> str:
    """What the key of a request is called. Every hash is compared, each in a time that says nothing.

    Args:
        authorization: the header, `Bearer KEY`; or `Basic`, as a browser sends a password that it asked for.
        api_key: the header `X-Api-Key`, which some clients send instead.

    Raises:
        NotAllowed: there is no key, or another one.
    """
    scheme, _, given = authorization.partition(" ")
    key = {"bearer": given.strip(), "basic": _password(given)}.get(scheme.lower(), "") or api_key.strip()
    hashed = key_hash(key)
    found = [name for name, known in hashes if hmac.compare_digest(hashed, known)]
    if not key or not found:
        raise NotAllowed("no key is given" if not key else "the key is not one of this server's")
    return found[0]


def is_below(path: str, top: str) -> bool:
    """Whether a path is that one, or below it."""
    return path == top or path.startswith(f"{top}/")


def _password(basic: str) -> str:
    try:
        return base64.b64decode(basic, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def check_host(header: str, allowed: Sequence[str]) -> None:
    """Refuses a request that was sent to another name: a page elsewhere that has its name point here.

    Args:
        header: the request's `Host`.
        allowed: names and addresses; addresses and `localhost` always are, and a `*` is any.

    Raises:
        UserError: it is not allowed.
    """
    name = header.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.rpartition(":")[0] or name
    if not header or name == "localhost" or "*" in allowed or name in {one.lower() for one in allowed}:
        return
    try:
        ipaddress.ip_address(name)
    except ValueError:
        raise UserError("the request is addressed to another host", "Allow its name with --allow-host.") from None


def check_page(method: str, fetched_from: str) -> None:
    """Refuses what another site's page has a browser send: it would send a key that it remembers along.

    Args:
        fetched_from: the request's `Sec-Fetch-Site`, which no page can set.

    Raises:
        UserError: it is from another site.
    """
    if method not in ("GET", "HEAD") and fetched_from not in ("", "none", "same-origin"):
        raise UserError("the request is of another site's page", "Ask from the server's own page, or from a program.")


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
