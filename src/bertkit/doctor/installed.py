"""What bertkit needs by its own metadata, and what of that is installed. Nothing is imported for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata

from bertkit.doctor.facts import Package


def installed_packages(distribution: str = "bertkit") -> tuple[Package, ...]:
    """Every requirement, of every extra; nothing where the metadata is not there."""
    try:
        requirements = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return ()
    return checked(requirements, distribution)


def checked(requirements: Iterable[str], distribution: str) -> tuple[Package, ...]:
    """The requirements, each with the version that is installed."""
    from packaging.requirements import Requirement

    found = []
    for line in requirements:
        one = Requirement(line)
        extra = re.search(r"extra == ['\"]([^'\"]+)['\"]", line)
        name = None if extra is None else extra[1]
        if one.name == distribution or (one.marker is not None and not one.marker.evaluate({"extra": name or ""})):
            continue  # an extra that names other extras, or another system's requirement
        version = _version(one.name)
        fits = version is not None and one.specifier.contains(version, prereleases=True)
        found.append(Package(one.name, str(one.specifier), version, fits, name))
    return tuple(found)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
