# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base images of a build: what they are at the moment, brought up to date, and there for the right platform."""

from __future__ import annotations

from typing import Callable, Iterable

from ._builder import Builder
from ._dockerfile import Base
from ._engine_sdk import Image, SdkEngine
from ._errors import CrossbuildError

_LABEL = "trusted.crossbuild.base."
_MISSING = "not on this host"
_OTHERS = "found by the builder"


def labels(identities: dict[str, str]) -> dict[str, str]:
    """What an image says about the bases it was made from."""
    return {_LABEL + reference: identity for reference, identity in identities.items()}


def _recorded(image: Image | None) -> dict[str, str]:
    labelled = image.labels if image else {}
    return {name[len(_LABEL) :]: value for name, value in labelled.items() if name.startswith(_LABEL)}


class BaseImages:
    """``may_pull``: whether the option pull allows it. ``tell`` is called with what goes on, in words."""

    def __init__(self, engine: SdkEngine, builder: Builder, may_pull: bool, tell: Callable[[str], None]) -> None:
        self._engine = engine
        self._builder = builder
        self._may_pull = may_pull
        self._tell = tell
        # Of those whose registry was asked, the digests that they have there.
        self._digests: dict[str, str] = {}

    def identities(self, bases: Iterable[Base], made: Image | None) -> dict[str, str]:
        """The ID of every base image, by its reference. ``made`` is the image that was made from them."""
        recorded = _recorded(made)
        identities = {}
        for name in (base.reference for base in bases):
            if self._builder.engine_bases:
                image = self._engine.image(name)
                # A base that was pruned since tells nothing new: what the image was made from still counts.
                identities[name] = image.id if image else recorded.get(name, _MISSING)
            else:
                identities[name] = self._digests.get(name) or recorded.get(name, _OTHERS)
        return identities

    def bring_up_to_date(self, bases: Iterable[Base]) -> None:
        for base in bases:
            self._tell(f"pulling {base.reference}")
            try:
                digest = self._builder.bring_up_to_date(base)
            except CrossbuildError as exc:
                raise CrossbuildError(
                    f"The base image {base.reference} (line {base.line}) cannot be pulled for {base.platform}: {exc}"
                ) from exc
            if digest:
                self._digests[base.reference] = digest

    def require(self, bases: Iterable[Base]) -> None:
        """Makes sure that every base is here for the right platform, where the builder does not find them itself."""
        for base in bases if self._builder.engine_bases else ():
            self._require(base)

    def _require(self, base: Base) -> None:
        image = self._engine.image(base.reference)
        if image and base.platform.accepts(image.platform):
            return
        found = f"is here for {image.platform}" if image else "is not here"
        problem = f"The base image {base.reference} (line {base.line}) {found}; it is needed for {base.platform}"
        if not self._may_pull:
            raise CrossbuildError(f"{problem}, and pull: never forbids to get it. Load or build it first.")
        self._tell(f"pulling {base.reference}")
        try:
            self._engine.pull(base.reference, base.platform)
        except CrossbuildError as exc:
            raise CrossbuildError(f"{problem}, and pulling it failed: {exc}") from exc
        image = self._engine.image(base.reference)
        if image is None or not base.platform.accepts(image.platform):
            raise CrossbuildError(
                f"{problem}, and the registry's image is for {image.platform if image else 'nothing'}."
                " Name a base that exists for this platform."
            )
