# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layers that building for a platform rests on, each as it was found: it holds, it does not, or nobody looked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Iterable

from ._errors import CrossbuildError

# From below to above. Each rests on those before it.
LAYERS = (
    "host",
    "binfmt_misc",
    "emulator",
    "entry",
    "boot",
    "execution",
    "engine",
    "builder",
    "container",
    "accelerator",
    "image",
)
# Messages say first what was found, and then, in sentences of their own, what to do: see CrossbuildError.
_SENTENCE_END = re.compile(r"(?<=\.)\s+(?=[A-Z])")


class NotLookedAt(Exception):
    """Raised by a look that cannot be taken, or that nobody asked for, with the reason."""


@dataclass(frozen=True)
class Layer:
    """``platform`` is None for what all platforms have in common, ``holds`` where nobody looked.

    ``found`` is what was found, or why nobody looked; ``remedy`` what to do about what does not hold, else None.
    """

    layer: str
    platform: str | None
    holds: bool | None
    found: str
    remedy: str | None = None


def examine(layer: str, platform: str | None, look: Callable[[], str]) -> Layer:
    """What a look tells. It returns what it found, or raises CrossbuildError or PermissionError where that does not hold."""
    try:
        return Layer(layer, platform, True, look())
    except NotLookedAt as exc:
        return Layer(layer, platform, None, str(exc))
    except PermissionError as exc:
        return Layer(layer, platform, False, f"{exc.filename}: {exc.strerror}.", "Ask as root (become: true).")
    except CrossbuildError as exc:
        found, remedy = parted(str(exc))
        return Layer(layer, platform, False, found, remedy)


def parted(message: str) -> tuple[str, str]:
    """A message as what was found, its first sentence, and what to do."""
    found, *rest = _SENTENCE_END.split(message, maxsplit=1)
    return found, rest[0] if rest else "Run the playbook trusted.crossbuild.site, which puts right what it can."


def first(layers: Iterable[Layer]) -> Layer | None:
    """The lowest layer that does not hold. Those of one platform come before those of the next."""
    return next((layer for layer in layers if layer.holds is False), None)
