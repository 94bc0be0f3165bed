# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the images of one task have in common, whatever their platforms."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any, Callable

from . import _build_source, _builder_choice, _progress
from ._builder import Builder
from ._engine_sdk import SdkEngine
from ._errors import CrossbuildError

if TYPE_CHECKING:
    from ._secrets import Secret

if TYPE_CHECKING:
    from ._ledger import Ledger


class BuildTask:
    """What is built from, by what, with which secrets; and what goes on at the moment."""

    def __init__(self, params: dict[str, Any], engine: SdkEngine) -> None:
        self.params = params
        self.engine = engine
        self.begun = time.time_ns()
        self.reader = _build_source.Reader(params["path"], params["dockerfile"], params["dockerfile_inline"])
        self.args = {name: _argument(name, value) for name, value in (params["args"] or {}).items()}
        self.progress = _progress.of(params)
        self.warnings: list[str] = []
        self.ledger: Ledger | None = None
        self._where: Callable[[], str] = lambda: "comparing the image with what it is made from"

    @functools.cached_property
    def builder(self) -> Builder:
        return _builder_choice.choose(self.params, self.engine)

    @functools.cached_property
    def secrets(self) -> list[Secret]:
        if not self.params["secrets"]:
            return []
        from . import _secrets

        return _secrets.read(self.params["secrets"])

    @functools.cached_property
    def secret_digests(self) -> dict[str, str]:
        return {one.id: one.digest() for one in self.secrets}

    def where(self) -> str:
        """What goes on at the moment, in words."""
        return self._where()

    def now(self, activity: str) -> None:
        """Tells who follows what goes on, and the timeout."""
        self._where = lambda: activity
        self.progress.activity(activity)

    def now_as(self, where: Callable[[], str]) -> None:
        """The same where what goes on tells of itself."""
        self._where = where

    def keep(self, save: Callable[[], None]) -> None:
        """The cache only saves work: a host where it cannot be written builds all the same."""
        try:
            save()
        except OSError as exc:
            words = f"{exc.filename}: {exc.strerror}. Without this cache each task reads the whole context, and proves the image again."
            if words not in self.warnings:
                self.warnings.append(words)


def _argument(name: str, value: Any) -> str:
    if isinstance(value, (dict, list)) or value is None:
        raise CrossbuildError(f"The build argument {name} is {value!r}; it must be a string. Quote it.")
    return str(value)
