# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Emulators out of an image that is named by its digest, through the Docker Engine."""

from __future__ import annotations

import os
import re
from typing import IO, Any

from ._engine_sdk import SdkEngine
from ._errors import CrossbuildError
from ._platform import host


def parse_digest(reference: str) -> str:
    """The 64 digits of ``NAME@sha256:DIGITS``. A tag may name another image tomorrow, so that it does not do."""
    found = re.fullmatch(r"[^@\s]+@sha256:([0-9a-f]{64})", reference)
    if not found:
        raise CrossbuildError(
            f"The image {reference!r} is not named by its digest: expected NAME@sha256: and 64 hexadecimal digits."
            " 'docker buildx imagetools inspect NAME:TAG' or 'docker image inspect' tell it."
        )
    return found.group(1)


def open_image(reference: str, connection: dict[str, Any], directory: str) -> IO[bytes]:
    """The files of an image as a tar, written into ``directory``. The image is pulled where it is missing, and goes again."""
    engine = SdkEngine(connection)
    pulled = engine.image(reference) is None
    if pulled:
        try:
            engine.pull(reference, host())
        except CrossbuildError as exc:
            raise CrossbuildError(
                f"The image {reference} is not on the engine and could not be pulled: {exc}. Check name and digest, and that"
                " the engine reaches the registry and may read there."
            ) from exc
    path = os.path.join(directory, "image.tar")
    try:
        engine.save_files(reference, path)
    finally:
        if pulled:
            engine.remove(reference)
    return open(path, "rb")
