# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remembers that a task had nothing to do, with all that this rests on, so that the next one can answer at once."""

from __future__ import annotations

import json
import os
from typing import Any, Iterable

from . import _buildx_plugin, _emulators, _evidence
from ._build_task import BuildTask
from ._cache import Table
from ._context_index import COARSEST
from ._engine_socket import EngineSocket
from ._platform import Platform

# What says where programs and configurations are.
_ENVIRONMENT = ("PATH", "HOME", "XDG_CACHE_HOME", "DOCKER_CONFIG")


def remember(task: BuildTask, platforms: Iterable[Platform], subject: str, answer: dict[str, Any]) -> None:
    """Keeps ``answer`` about ``subject``, where everything it rests on can be looked at again. Raises OSError.

    Nothing that changed since shortly before the task began is vouched for: it may have changed after it was looked at.
    """
    engine = task.engine.socket
    if engine is None or not _is_here(task) or not task.reader.is_trusted():
        return
    evidence, last = _evidence_of(task, platforms, engine)
    if last < task.begun - COARSEST:
        table = {"evidence": json.dumps(evidence), "answer": json.dumps(answer)}
        Table(_evidence.KIND, subject).save(table)


def _is_here(task: BuildTask) -> bool:
    """Whether all that counts can be looked at on this host: it is in no registry, with no other builder, and no secret."""
    params = task.params
    elsewhere = ("builder_name", "secrets", "push", "ledger", "oci_archive", "oci_directory")
    newest = params["pull"] == "always" or params["rebuild"] == "always"
    return not newest and not any(params[name] for name in elsewhere)


def _evidence_of(task: BuildTask, platforms: Iterable[Platform], engine: EngineSocket) -> tuple[dict[str, Any], int]:
    """The evidence, and when something of it changed last, in nanoseconds."""
    reader = task.reader
    paths = [*reader.files(), *_buildx_plugin.candidates()]
    paths += [os.path.join(directory, "docker") for directory in os.get_exec_path()]
    paths += [path for platform in platforms for path in _emulators.candidates(platform.arch)]
    files = {path: _evidence.of_file(path) for path in map(os.path.abspath, paths)}
    tree, last = None, 0
    if reader.path is not None:
        root = os.path.abspath(reader.path)  # links and all, which may point elsewhere the next time
        digest, last = _evidence.of_tree(root, set(reader.left_out))
        tree = {"root": root, "left_out": reader.left_out, "digest": digest}
    evidence = {
        "environment": {name: os.environ.get(name) for name in _ENVIRONMENT},
        "files": {path: stamp for path, (stamp, _changed) in files.items()},
        "tree": tree,
        "socket": engine.path,
        "answers": engine.answers,
    }
    return evidence, max(last, *(changed for _stamp, changed in files.values()))
