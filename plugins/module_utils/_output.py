# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the images of a task go beside the engine: the one thing about it that the rest of the module knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Sequence

from ._converge import Plan
from ._engine_sdk import Image
from ._platform import Platform


@dataclass(frozen=True)
class Made:
    """An image for one platform. ``image`` is None while it is still to be built, as in check mode."""

    platform: Platform
    reference: str
    image: Image | None


@dataclass(frozen=True)
class Finished(Made):
    """One that is on the engine."""

    image: Image

    @property
    def advertised(self) -> Platform:
        """What an index says that it is for: what is recorded in it, with the variant asked for where that is none."""
        return self.image.platform if self.image.platform.variant else self.platform


def finished(made: Sequence[Made]) -> list[Finished] | None:
    """All of them; None while one is still to be built."""
    done = [Finished(one.platform, one.reference, one.image) for one in made if one.image]
    return done if len(done) == len(made) else None


class Output(ABC):
    """A place that is to have the images of a task, all or none."""

    @abstractmethod
    def plan(self, made: Sequence[Made]) -> Plan:
        """Reads and changes nothing. The steps are carried out only where all images are finished."""
