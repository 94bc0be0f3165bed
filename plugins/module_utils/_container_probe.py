# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program of a platform run in a container: by an image of nothing else, which goes again."""

from __future__ import annotations

import os
import tempfile
import uuid

from . import _saved_image
from ._engine_sdk import SdkEngine
from ._errors import CrossbuildError
from ._platform import Platform
from ._probe_programs import probe_program
from ._probe_run import NAME

_PROGRAM = "/probe"
# No registry can have that name (RFC 2606).
_REPOSITORY = "crossbuild.invalid/probe"
_PATIENCE = 30  # seconds


def run(engine: SdkEngine, platform: Platform) -> None:
    """Raises CrossbuildError where the engine does not run it, or the program does not print what it should."""
    with tempfile.TemporaryDirectory(prefix="crossbuild-probe-") as scratch:
        reference = _load(engine, platform, scratch)
    try:
        ran = engine.run(reference, [_PROGRAM], {}, _PATIENCE, {})
    finally:
        engine.remove(reference)
    if (ran.status, ran.stdout) != (0, _PROGRAM[: len(NAME)]):
        status = "did not end" if ran.status is None else f"ended with status {ran.status}"
        raise CrossbuildError(
            f"In a container its program {status} and printed {(ran.stdout + ran.stderr)[:200]!r}."
            " Where it runs on the host, the engine is another host's, or in a user namespace with entries of its own:"
            " register them there (trusted.crossbuild.binfmt, scope: user)."
        )


def _load(engine: SdkEngine, platform: Platform, scratch: str) -> str:
    tree, archive = os.path.join(scratch, "tree"), os.path.join(scratch, "image.tar")
    os.mkdir(tree)
    path = tree + _PROGRAM
    with open(path, "wb") as file:
        file.write(probe_program(platform.arch))
    os.chmod(path, 0o755)
    # A name of its own, so that nobody who looks at the same time removes it.
    name = f"{_REPOSITORY}:{uuid.uuid4().hex}"
    _saved_image.write(tree, platform, archive, {}, "trusted.crossbuild.doctor_info", lambda _layer: name)
    with open(archive, "rb") as file:
        engine.load(file)
    return name
