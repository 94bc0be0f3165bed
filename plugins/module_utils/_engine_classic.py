# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's classic builder, which the Docker SDK for Python drives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generator, Sequence

from ._build_source import Source
from ._builder import Builder, Request
from ._dockerfile import Dockerfile
from ._errors import CrossbuildError

if TYPE_CHECKING:
    from ._build_log import Built, Event
    from ._secrets import Secret


class ClassicBuilder(Builder):
    kind = "classic"
    every_stage = True

    def refuse(self, dockerfile: Dockerfile, secrets: Sequence[Secret]) -> None:
        """Heredocs, flags of RUN, and secrets, which BuildKit brought."""
        advice = (
            f"this task builds with the classic builder ({self.reason}). Bring buildx to the host, as the role"
            " trusted.crossbuild.docker_engine does with docker_engine_buildx, and let builder be auto or buildx."
        )
        for instruction in dockerfile.instructions:
            if instruction.heredocs or (instruction.keyword == "RUN" and instruction.flags):
                raise CrossbuildError(
                    f"Line {instruction.start} of the Dockerfile needs BuildKit ({instruction.original.splitlines()[0]});"
                    f" {advice}"
                )
        if secrets:
            raise CrossbuildError(f"secrets need BuildKit; {advice}")

    def build(self, source: Source, request: Request) -> Generator[Event, None, None]:
        """Once more without the cache, where an image came out of that for another platform."""
        from ._build_log import Activity, Built

        built = None
        for event in self._events(source, request, request.fresh):
            if isinstance(event, Built):
                built = event
            else:
                yield event
        if built and not request.fresh and self._is_of_another(built, source, request):
            self._engine.discard(built.image_id)
            yield Activity("building without the cache, which had steps for another platform")
            yield from self._events(source, request, fresh=True)
        elif built:
            yield built

    def _events(self, source: Source, request: Request, fresh: bool) -> Generator[Event, None, None]:
        from . import _classic_log

        options = {
            "dockerfile": source.sent_name,
            "buildargs": request.args,
            "target": request.target,
            "platform": str(request.platform),
            "labels": request.labels,
            "network_mode": request.network,
            "nocache": fresh,
        }
        return _classic_log.events(self._engine.build(source.stream(), options))

    def _is_of_another(self, built: Built, source: Source, request: Request) -> bool:
        """The engine's cache knows no platforms. With a base image they come from that."""
        image = self._engine.image(built.image_id)
        return (
            image is not None
            and image.platform != request.platform
            and any(stage.base == "scratch" for stage in source.dockerfile.stages)
        )
