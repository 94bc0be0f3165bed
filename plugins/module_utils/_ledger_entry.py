# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a farm's ledger says about a build: under which tags, and as which annotations of an index."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from . import _manifest
from ._manifest import OCI_INDEX, Manifest, Part
from ._platform import Platform

# Inputs that say how an image is built, not from what: a farm has hosts of several kinds, and each image once.
_HOW = ("emulator", "engine")
_PREFIX = "trusted.crossbuild."


def key(parts: Mapping[str, str], proof: Mapping[str, Any]) -> str:
    """What a build is known by: the parts of its BuildKey, whoever builds it, and what it has to be proven by."""
    inputs = {name: value for name, value in parts.items() if name not in _HOW}
    return _digest([inputs, dict(proof)])


def entry_tag(build: str) -> str:
    """The tag of a build that is done and proven."""
    return f"key-{build}"


def image_tag(build: str) -> str:
    """The tag that the engine pushes the image by. It also keeps the image where a registry removes what has none."""
    return f"image-{build}"


def claim_tag(build: str) -> str:
    """The tag that says who builds it at the moment."""
    return f"claim-{build}"


def last_tag(name: str, platform: Platform) -> str:
    """The tag of the last build of an image for a platform, whatever it was made from: the next takes about as long."""
    return f"last-{_digest([name, str(platform)])[:32]}"


@dataclass(frozen=True)
class Entry:
    """A build that is done. ``image`` is its digest, ``seconds`` None where it was built before it came to the ledger.

    ``emulator`` is the version that ran its steps; empty where none did, or it is not known.
    """

    image: str
    seconds: float | None
    host: str
    emulator: str

    @classmethod
    def read(cls, manifest: Manifest) -> Entry | None:
        """None for what is no entry of a ledger."""
        if not manifest.is_index:
            return None
        said = manifest.parsed.get("annotations") or {}
        images = [entry.digest for entry in manifest.entries if not entry.attests]
        if not images or _PREFIX + "host" not in said:
            return None
        return cls(
            image=images[0],
            seconds=_number(said.get(_PREFIX + "seconds")),
            host=str(said[_PREFIX + "host"]),
            emulator=str(said.get(_PREFIX + "emulator") or ""),
        )


def written(parts: Sequence[Part], seconds: float | None, host: str, emulator: str) -> Manifest:
    """The index that is a build's entry. Any client can pull it by its tag: it lists the image."""
    said = {"host": host, "emulator": emulator, **({} if seconds is None else {"seconds": f"{seconds:.1f}"})}
    return _manifest.join(parts, {_PREFIX + name: value for name, value in said.items()})


def claim(holder: str, host: str, beat: int) -> Manifest:
    """What stands under a claim's tag: an index of nothing. Of one holder two in turn, so that a registry keeps no more."""
    said = {_PREFIX + "holder": holder, _PREFIX + "host": host, _PREFIX + "beat": str(beat % 2)}
    return _index_of_nothing(said if holder else {_PREFIX + "holder": ""})


NOBODY = ""


def holder(manifest: Manifest | None) -> tuple[str, str]:
    """Whose claim it is, and on which host. NOBODY where it was given up, or is none."""
    said = manifest.parsed.get("annotations") or {} if manifest else {}
    return str(said.get(_PREFIX + "holder", NOBODY)), str(said.get(_PREFIX + "host", ""))


def _index_of_nothing(annotations: dict[str, str]) -> Manifest:
    content = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "annotations": annotations}
    return Manifest(OCI_INDEX, _manifest.written(content))


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()
