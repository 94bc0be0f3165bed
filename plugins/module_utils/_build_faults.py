# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a build failed where it is none of the Dockerfile's doing: the engine ended, or its disk is full."""

from __future__ import annotations

import dataclasses
import os
from typing import Generator, Iterable

from ._build_log import Event, Failed, Output
from ._engine_sdk import LOST, SdkEngine

# In the words of the C library, as programs print them, and of the engine.
_FULL = "no space left on device"
# buildx, of a connection to a BuildKit that is gone.
_UNAVAILABLE = ("code = Unavailable", "failed to solve: Unavailable")
# And of one to the engine of a node.
_NO_ENGINE = ("error during connect", "Cannot connect to the Docker daemon")
_LOGS = "Its log says why: journalctl -u docker, or /var/log/docker.log."


def explained(events: Iterable[Event], engine: SdkEngine, in_engine: bool) -> Generator[Event, None, None]:
    """The events of a build, and advice with the one that ends it. ``in_engine``: whether the engine itself builds."""
    full: set[int] = set()
    for event in events:
        if isinstance(event, Output) and _FULL in event.text.lower():
            full.add(event.step)
        if isinstance(event, Failed):
            is_full = _FULL in event.message.lower() or (bool(full) if event.step is None else event.step in full)
            advice = _advice(event.message, is_full, engine, in_engine)
            by_node = bool(advice) and not in_engine and engine.answers()
            yield dataclasses.replace(event, advice=advice, by_node=by_node)
        else:
            yield event


def _advice(message: str, is_full: bool, engine: SdkEngine, in_engine: bool) -> str:
    if not engine.answers():
        return (
            f"The engine at {engine.host} does not answer any more: it ended, or was killed, in the middle of the build."
            f" {_LOGS} Start it, and run this again."
        )
    if is_full:
        return _where(engine) if in_engine else "The disk of the builder is full. Make room there, and run this again."
    if not in_engine and any(words in message for words in (*_UNAVAILABLE, *_NO_ENGINE)):
        return "The node of the builder that built it ended, or is not reached. Its log says why. Start it, and run this again."
    if LOST in message or (in_engine and any(words in message for words in _UNAVAILABLE)):
        return (
            f"The engine at {engine.host} ended, or was killed, in the middle of the build, and answers again. {_LOGS}"
            " Run this again."
        )
    return ""


def _where(engine: SdkEngine) -> str:
    root = engine.data_root()
    room = ""
    if engine.is_local and os.path.isdir(root):
        found = os.statvfs(root)
        free, whole = (blocks * found.f_frsize // 1_000_000 for blocks in (found.f_bavail, found.f_blocks))
        room = f" ({free} MB of {whole} MB are free by now)"
    return (
        f"The disk is full: the engine at {engine.host} keeps images and builds in {root}{room}. Make room there, for"
        " instance with docker system prune, and run this again."
    )
