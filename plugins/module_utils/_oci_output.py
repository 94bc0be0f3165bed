# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in a file or directory of the build host, as an OCI image layout."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import partial
from typing import Sequence

from . import _oci_layout, _registry_reference
from ._build_task import BuildTask
from ._converge import Plan, Step
from ._errors import CrossbuildError
from ._oci_layout import Stored
from ._output import Finished, Made, Output, finished


class OciOutput(Output):
    """One layout with the images of a task. ``path`` is a tar of it, or the directory."""

    def __init__(self, task: BuildTask, name: str, tag: str, path: str, is_archive: bool) -> None:
        self._task = task
        self._path = os.path.realpath(path)
        self._is_archive = is_archive
        # The first is how the layout calls it, the second how containerd and Docker know it by its whole name.
        self._annotations = {
            "org.opencontainers.image.ref.name": tag,
            "io.containerd.image.name": str(_registry_reference.parse(f"{name}:{tag}")),
        }

    def plan(self, made: Sequence[Made]) -> Plan:
        self._task.now_as(lambda: f"reading {self._path}")
        self._require_room()
        stored = _oci_layout.contents(self._path, self._is_archive, self._annotations)
        done = finished(made)
        lines = [f"{self._path} {one.platform}: {one.config}" for one in stored]
        plan = Plan(before=lines or [f"{self._path}: none of it"], after=lines)
        if done is None or not _are(stored, done):
            platforms = ", ".join(str(one.platform) for one in made)
            plan.after = [f"{self._path}: written for {platforms}"]
            plan.steps.append(Step(f"write {self._path} for {platforms}", partial(self._write, done or [])))
        return plan

    def _require_room(self) -> None:
        """Raises CrossbuildError where something else is in the way."""
        parent = os.path.dirname(self._path)
        if not os.path.isdir(parent):
            raise CrossbuildError(f"{self._path} is to be written, and there is no directory {parent}. Make it first.")
        if self._is_archive and os.path.isdir(self._path):
            raise CrossbuildError(f"oci_archive is {self._path}, which is a directory. Name a file in it.")
        if not self._is_archive and os.path.lexists(self._path) and not _may_go(self._path):
            raise CrossbuildError(
                f"oci_directory is {self._path}, and what is there is no OCI image layout. It would be replaced as a whole:"
                " name a directory of its own."
            )

    def _write(self, done: Sequence[Finished]) -> None:
        """Complete and on disk under another name first."""
        parent, name = os.path.split(self._path)
        scratch = tempfile.mkdtemp(dir=parent, prefix=f".{name}.")
        try:
            layout = os.path.join(scratch, "layout")
            os.mkdir(layout)
            writer = _oci_layout.Writer(layout)
            for one in done:
                self._task.now(f"saving {one.reference}")
                with self._task.engine.saved(one.image.id) as saved:
                    writer.add(saved, one.image.id, one.reference, one.advertised)
            writer.finish(self._annotations)
            if self._is_archive:
                self._replace_file(layout, os.path.join(scratch, "archive"))
            else:
                self._replace_directory(layout, os.path.join(scratch, "before"))
        except OSError as exc:
            raise CrossbuildError(
                f"{self._path} cannot be written: {exc.strerror}. What was there is there still."
            ) from exc
        finally:
            shutil.rmtree(scratch)

    def _replace_file(self, layout: str, archive: str) -> None:
        with open(archive, "wb") as file:
            _oci_layout.pack(layout, file)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.rename(archive, self._path)

    def _replace_directory(self, layout: str, before: str) -> None:
        os.chmod(layout, 0o755)
        if os.path.isdir(self._path):
            os.rename(self._path, before)
        try:
            os.rename(layout, self._path)
        except OSError:
            if os.path.isdir(before):
                os.rename(before, self._path)
            raise


def _may_go(directory: str) -> bool:
    """Whether a directory holds nothing but a layout."""
    return os.path.isdir(directory) and set(os.listdir(directory)) <= {"oci-layout", "index.json", "blobs"}


def _are(stored: Sequence[Stored], done: Sequence[Finished]) -> bool:
    """Whether a layout has these very images, for these platforms, and no others."""
    found = {one.platform: one for one in stored}
    return len(stored) == len(done) and all(
        str(one.advertised) in found and one.image.id in found[str(one.advertised)][1:] for one in done
    )
