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
    images = [DockerImage(_options({**one, **common}), engine, check_mode=True) for one in params["builds"]]
    builds: list[dict[str, Any]] = []
    problem = None
    for image in images:
        # What keeps one from being looked up may keep all of them, each until its time is over.
        builds.append(_unknown(image, problem) if problem else _known(image, check_mode))
        problem = builds[-1]["problem"]
    return {"changed": False, "builds": builds}


def _options(given: dict[str, Any]) -> dict[str, Any]:
    if given.get("secrets"):
        raise CrossbuildError(
            f"{given.get('name')} has secrets, which are for docker_image only: here they would be written to logs. Leave it out."
        )
    return _image_options.validated(given)


def _known(image: DockerImage, check_mode: bool) -> dict[str, Any]:
    try:
        result = image.present()
    except CrossbuildError as exc:
        return _unknown(image, str(exc))
    if not check_mode:
        image.task.keep(image.task.reader.remember)
    return {**_unknown(image, None), "ledger": None if result["changed"] else result["ledger"]}


def _unknown(image: DockerImage, problem: str | None) -> dict[str, Any]:
    [build] = image.builds
    return {"name": build.reference, "platform": str(build.platform), "ledger": None, "problem": problem}
