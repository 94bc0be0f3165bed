# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base images of a build: what they are at the moment, brought up to date, and there for the right platform."""

from __future__ import annotations

from typing import Callable, Iterable, Sequence

from ._builder import Builder
from ._dockerfile import Base
from ._engine_sdk import Image, SdkEngine
from ._errors import CrossbuildError
from ._platform import Platform

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
    """``may_pull``: whether the option pull allows it. ``tell`` is called with what goes on, in words.

    An engine keeps one image under a name. ``others`` are the task's other platforms: one for them was brought for them.
    """

    def __init__(
        self,
        engine: SdkEngine,
        builder: Builder,
        may_pull: bool,
        tell: Callable[[str], None],
        others: Sequence[Platform] = (),
    ) -> None:
        self._engine = engine
        self._builder = builder
        self._may_pull = may_pull
        self._tell = tell
        self._others = others
        # Of those that this task brought, or whose registry it asked.
        self._known: dict[tuple[str, Platform], str] = {}

    def identities(self, bases: Iterable[Base], made: Image | None) -> dict[str, str]:
        """The ID of every base image, by its reference. ``made`` is the image that was made from them."""
        recorded = _recorded(made)
        return {base.reference: self._identity(base, recorded.get(base.reference)) for base in bases}

    def unrecorded(self, bases: Iterable[Base], made: Image | None) -> list[Base]:
        """Those of which ``made`` does not tell what they were."""
        recorded = _recorded(made)
        return [base for base in bases if base.reference not in recorded]

    def _identity(self, base: Base, recorded: str | None) -> str:
        known = self._known.get((base.reference, base.platform))
        if known:
            return known
        if not self._builder.engine_bases:
            return recorded or _OTHERS
        image = self._engine.image(base.reference)
        if image and (recorded is None or self._is_for(base, image)):
            return image.id
        # A base that was pruned since, or had to make room for another platform's, tells nothing new: what the image was
        # made from still counts.
        return recorded or _MISSING

    def _is_for(self, base: Base, image: Image) -> bool:
        """Whether the image that the engine has under a base's name is the one for its platform."""
        accepted = base.platform.accepts(image.platform)
        return accepted and (image.platform == base.platform or image.platform not in self._others)

    def bring_up_to_date(self, bases: Iterable[Base]) -> None:
        for base in bases:
            self._tell(f"pulling {base.reference}")
            try:
                digest = self._builder.bring_up_to_date(base)
            except CrossbuildError as exc:
                raise CrossbuildError(
                    f"The base image {base.reference} (line {base.line}) cannot be pulled for {base.platform}: {exc}"
                ) from exc
            here = self._engine.image(base.reference) if digest is None else None
            identity = here.id if here else digest
            if identity:
                self._known[base.reference, base.platform] = identity

    def require(self, bases: Iterable[Base]) -> None:
        """Makes sure that every base is here for the right platform, where the builder does not find them itself."""
        for base in bases if self._builder.engine_bases else ():
            self._known[base.reference, base.platform] = self._require(base).id

    def _require(self, base: Base) -> Image:
        image = self._engine.image(base.reference)
        if image and self._is_for(base, image):
            return image
        usable = image if image and base.platform.accepts(image.platform) else None
        found = f"is here for {image.platform}" if image else "is not here"
        problem = f"The base image {base.reference} (line {base.line}) {found}; it is needed for {base.platform}"
        if not self._may_pull:
            if usable:
                return usable
            raise CrossbuildError(f"{problem}, and pull: never forbids to get it. Load or build it first.")
        self._tell(f"pulling {base.reference}")
        try:
            self._engine.pull(base.reference, base.platform)
        except CrossbuildError as exc:
            if usable:  # what was brought for another platform of the task runs on this one, too
                return usable
            raise CrossbuildError(f"{problem}, and pulling it failed: {exc}") from exc
        image = self._engine.image(base.reference)
        if image is None or not base.platform.accepts(image.platform):
            raise CrossbuildError(
                f"{problem}, and the registry's image is for {image.platform if image else 'nothing'}."
                " Name a base that exists for this platform."
            )
        return image
