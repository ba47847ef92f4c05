"""The models that bertkit has without a name: are they there, and byte for byte what was published?"""

from __future__ import annotations

from bertkit.checkpoints.digests import sha256
from bertkit.checkpoints.embedded import EMBEDDED_MODEL, INSTALL_COMMAND, TRAINED, embedded_folder
from bertkit.doctor.facts import BuiltIn
from bertkit.errors import BadCheckpoint, ModelNotFound

SUMS = "SHA256SUMS"  # in the folder of those that were trained here, as sha256sum writes it
CURE = "Install bertkit again (pip install --force-reinstall --no-deps bertkit), or git checkout src/bertkit/trained."


def built_in_models() -> tuple[BuiltIn, ...]:
    """The default model, and the parts that were trained here."""
    digests = trained_digests()
    if not digests:
        return (_default(), BuiltIn("trained parts", "absent", f"{TRAINED / SUMS} is missing", CURE))
    return (_default(), *(_trained(name, digests) for name in sorted({file.split("/")[0] for file in digests})))


def trained_digests() -> dict[str, str]:
    """By the name of the file."""
    try:
        lines = (TRAINED / SUMS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {file: digest for digest, file in (line.split() for line in lines if line)}


def _default() -> BuiltIn:
    name = EMBEDDED_MODEL.rpartition("/")[2]
    try:
        return BuiltIn(name, "whole", str(embedded_folder()))
    except ModelNotFound as error:
        return BuiltIn(name, "absent", error.what, INSTALL_COMMAND)
    except BadCheckpoint as error:
        return BuiltIn(name, "damaged", error.what, f"{INSTALL_COMMAND} --force-reinstall")
    except ImportError as error:  # the hub's library, which the cache is asked through; `packages` says so
        return BuiltIn(name, "absent", f"cannot be looked for: {error}", INSTALL_COMMAND)


def _trained(name: str, digests: dict[str, str]) -> BuiltIn:
    for file, digest in digests.items():
        path = TRAINED / file
        if file.split("/")[0] != name:
            continue
        if not path.is_file():
            return BuiltIn(name, "absent", f"{path} is missing", CURE)
        try:
            same = sha256(path) == digest
        except BadCheckpoint as error:
            return BuiltIn(name, "damaged", error.what, CURE)
        if not same:
            return BuiltIn(name, "damaged", f"{path} is not what was published (its SHA-256 differs)", CURE)
    return BuiltIn(name, "whole")
