# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which builds a ledger has, of many; looked up in one go, as starting a module for each costs more than looking."""

from __future__ import annotations

from typing import Any

from . import _image_options
from ._connection import CONNECTION_SPEC
from ._docker_image import DockerImage
from ._engine_sdk import SdkEngine
from ._errors import CrossbuildError

# What all of them have in common.
_COMMON = (*CONNECTION_SPEC, "ledger", "registry")


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.ledger_build_info."""
    engine = SdkEngine(params)
    common = {name: params[name] for name in _COMMON if params[name] is not None}
    images = [DockerImage(_options({**one, **common}), engine, check_mode) for one in params["builds"]]
    answers: dict[DockerImage, dict[str, Any]] = {}
    problem = None
    # An engine keeps one base image under a name: by platform, each is pulled once at most.
    for image in sorted(images, key=lambda image: str(image.builds[0].platform)):
        # What keeps one from being looked up may keep all of them, each until its time is over.
        answers[image] = _unknown(image, problem) if problem else _known(image, may_pull=not check_mode)
        problem = answers[image]["problem"]
    return {"changed": False, "builds": [answers[image] for image in images]}


def _options(given: dict[str, Any]) -> dict[str, Any]:
    if given.get("secrets"):
        raise CrossbuildError(
            f"{given.get('name')} has secrets, which are for docker_image only: here they would be written to logs. Leave it out."
        )
    return _image_options.validated(given)


def _known(image: DockerImage, may_pull: bool) -> dict[str, Any]:
    answer = _unknown(image, None)
    [build], task = image.builds, image.task
    if task.ledger is None or task.params["pull"] == "always":
        return answer  # what its bases are then is not to be known without pulling them
    try:
        found = build.is_in(task.ledger, task.reader.read(), may_pull)
    except CrossbuildError as exc:
        return _unknown(image, str(exc))
    if may_pull:
        task.keep(task.reader.remember)
    return {**answer, "ledger": task.ledger.described() if found else None}


def _unknown(image: DockerImage, problem: str | None) -> dict[str, Any]:
    [build] = image.builds
    return {"name": build.reference, "platform": str(build.platform), "ledger": None, "problem": problem}
