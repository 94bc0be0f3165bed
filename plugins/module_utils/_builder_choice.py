# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which builder builds, and why."""

from __future__ import annotations

from typing import Any

from . import _buildx_plugin
from ._builder import Builder
from ._engine_sdk import SdkEngine
from ._errors import CrossbuildError


def choose(params: dict[str, Any], engine: SdkEngine) -> Builder:
    """The builder, with the reason for it. Raises CrossbuildError where the one asked for is not there."""
    wanted = params["builder"]
    if wanted == "classic":
        if params["builder_name"]:
            raise CrossbuildError("builder_name is for buildx, and builder is classic. Leave one of them out.")
        return _classic(engine, "it was asked for")
    asked = wanted == "buildx" or params["builder_name"]
    problem = None if engine.has_buildkit else f"the engine at {engine.host} is not Docker's, and has no BuildKit"
    problem = problem or _buildx_plugin.missing()
    if problem is None:
        reason = "it was asked for" if asked else "buildx is on the host, and BuildKit in the engine"
        return _buildx(engine, params, reason)
    if asked:
        raise CrossbuildError(
            f"buildx cannot be used: {problem}. The role trusted.crossbuild.docker_engine brings it with docker_engine_buildx;"
            " with builder: auto the classic builder is used instead."
        )
    return _classic(engine, problem)


def _classic(engine: SdkEngine, reason: str) -> Builder:
    from ._engine_classic import ClassicBuilder

    return ClassicBuilder(engine, reason)


def _buildx(engine: SdkEngine, params: dict[str, Any], reason: str) -> Builder:
    from ._engine_buildx import BuildxBuilder

    return BuildxBuilder(engine, params, params["builder_name"], reason)
