# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes into an image, as one digest: the same digest means that building again could change nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Mapping

# A change here makes every image stale: count it up when the meaning of an input changes.
FORMAT = 2


@dataclass(frozen=True)
class BuildKey:
    """The inputs of a build, each as a digest of its own, so that a difference can be named."""

    parts: Mapping[str, str]

    @property
    def digest(self) -> str:
        return "sha256:" + _digest([FORMAT, dict(self.parts)])

    def labels(self) -> dict[str, str]:
        """The labels by which an image tells later what it was made from."""
        return {KEY_LABEL: self.digest, PARTS_LABEL: json.dumps(dict(self.parts), sort_keys=True)}

    def differences(self, labels: Mapping[str, str]) -> list[str]:
        """The names of the inputs in which an image with these labels differs. No labels of ours: all of them."""
        built_from = recorded(labels)
        return sorted(name for name in {*self.parts, *built_from} if self.parts.get(name) != built_from.get(name))


KEY_LABEL = "trusted.crossbuild.key"
PARTS_LABEL = "trusted.crossbuild.inputs"


def build_key(**inputs: Any) -> BuildKey:
    """The key of a build. Every input is a JSON value; the names are those the user knows from the options."""
    return BuildKey({name: part(value) for name, value in inputs.items()})


def part(value: Any) -> str:
    """The digest of one input."""
    return _digest(value)[:16]


def recorded(labels: Mapping[str, str]) -> dict[str, Any]:
    """The parts that an image with these labels was built from. Anything may stand in a label: then there are none."""
    try:
        found = json.loads(labels.get(PARTS_LABEL, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _digest(value: Any) -> str:
    # Names that are not UTF-8 carry surrogates, which ensure_ascii escapes without loss.
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
