# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can build an image: the one thing about it that the rest of the module knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generator, Mapping, Sequence

from ._build_source import Source
from ._dockerfile import Base, Dockerfile
from ._engine_sdk import SdkEngine
from ._platform import Platform

if TYPE_CHECKING:
    from ._build_log import Event
    from ._secrets import Secret


@dataclass(frozen=True)
class Request:
    """One image for one platform.

    ``fresh`` takes no step from the builder's cache, ``newest_bases`` no base image where those are not the engine's.
    ``dockerfile`` is what is built in place of the source's text, with its instructions in the same lines; COPY sees the
    source's.
    """

    platform: Platform
    args: Mapping[str, str]
    target: str | None
    labels: Mapping[str, str]
    network: str | None
    secrets: Sequence[Secret]
    fresh: bool
    newest_bases: bool
    dockerfile: str | None = None


class Builder(ABC):
    """Builds images and leaves them on the engine, without a name."""

    # Goes into the build key, as no two kinds build the same.
    kind = ""
    # Whether stages are built that the target does not need, so that their base images must be there as well.
    every_stage = False
    # Whether base images are the engine's own. If not, the builder finds them.
    engine_bases = True

    def __init__(self, engine: SdkEngine, reason: str) -> None:
        self._engine = engine
        self.reason = reason

    @abstractmethod
    def refuse(self, dockerfile: Dockerfile, secrets: Sequence[Secret]) -> None:
        """Raises CrossbuildError, with the line, for what this builder would not build, or would misunderstand."""

    @abstractmethod
    def build(self, source: Source, request: Request) -> Generator[Event, None, None]:
        """The events of a build. It is ended where the iterator is closed."""

    def bring_up_to_date(self, base: Base) -> str | None:
        """Has a base image be what its registry has now. Its digest there, where base images are not the engine's."""
        self._engine.pull(base.reference, base.platform)
        return None
