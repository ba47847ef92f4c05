"""Keys of which only hashes are kept, and requests that are meant for another host."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from bertkit.errors import BertkitError, ConfigError, NotAllowed, OutputError, UserError
from bertkit.server.access import add_key, check_host, client_of, is_local, key_hash, read_keys


def test_a_key_is_added_and_known_again_but_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    first, second = add_key(path, "ada"), add_key(path, "charles")
    hashes = read_keys(path)
    assert first not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert client_of(f"Bearer {first}", "", hashes) == "ada"
    assert client_of(f"bearer  {second} ", "", hashes) == "charles"
    assert client_of("", second, hashes) == "charles"
    assert client_of("Basic abc", first, hashes) == "ada"
    basic = base64.b64encode(f"anyone:{second}".encode()).decode()
    assert client_of(f"Basic {basic}", "", hashes) == "charles"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic wrong",
        "Basic d3Jvbmc6d3Jvbmc=",
        "Basic w6k=",
        "Bearer " + key_hash("right"),
    ],
)
def test_no_key_and_another_one_are_refused(given: str) -> None:
    with pytest.raises(NotAllowed):
        client_of(given, "", [("a", key_hash("right")), ("empty", key_hash(""))])


@pytest.mark.parametrize("line", ["just-a-key", "a b c", "a " + "0" * 63, "a " + "g" * 64])
def test_a_file_of_something_else_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# the keys\n\n{line}\n")
    with pytest.raises(ConfigError, match="keys:3: not a name"):
        read_keys(path)


def test_a_file_without_a_key_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# none\n")
    with pytest.raises(ConfigError, match="no key"):
        read_keys(tmp_path / "keys")
    with pytest.raises(UserError, match="cannot be read"):
        read_keys(tmp_path / "missing")


@pytest.mark.parametrize(("name", "kind"), [("two words", UserError), ("", UserError), ("a#b", UserError)])
def test_what_a_key_cannot_be_called(tmp_path: Path, name: str, kind: type[BertkitError]) -> None:
    with pytest.raises(kind):
        add_key(tmp_path / "keys", name)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        add_key(tmp_path / "no" / "keys", "a")


@pytest.mark.parametrize(
    "host", ["", "localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "10.0.0.7", "a.org", "A.org:80"]
)
def test_addresses_and_allowed_names_are_answered(host: str) -> None:
    check_host(host, ["a.org"])


@pytest.mark.parametrize("host", ["evil.org", "a.org.evil.org:8000", "localhost.evil.org", "127.0.0.1.evil.org"])
def test_other_names_are_not(host: str) -> None:
    with pytest.raises(UserError, match="another host"):
        check_host(host, ["a.org"])
    check_host(host, ["*"])


def test_which_addresses_are_local() -> None:
    assert [is_local(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "box")] == [True] * 3 + [
        False
    ] * 3
