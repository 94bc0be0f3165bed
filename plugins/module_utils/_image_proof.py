# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proving that an image is for its platform: by looking at it, and by running it. What was proven is remembered.

An image cannot carry its proof, as that comes after it: so it is among the things that only save work.
"""

from __future__ import annotations

import shlex
from typing import Any, Callable

from . import _build_key
from ._cache import Table
from ._engine_sdk import Image, Ran, SdkEngine
from ._errors import CrossbuildError
from ._platform import Platform

# From the weakest to the strongest: each proves what the ones before it do.
LEVELS = ("none", "metadata", "programs", "all")

# On the containers that are made for a proof: the image's name. Only one task at a time has to do with that.
_LABEL = "trusted.crossbuild.proof_of"
# The newest processor of each version of 32-bit ARM, by QEMU's names: without it, QEMU runs what a v8 has. An emulator reads
# this from the environment of the program; on ARM itself it means nothing.
_PROCESSORS = {"v5": "arm926", "v6": "arm1176", "v7": "cortex-a15"}
_SHOWN = 2000  # characters of what was printed
_ILLEGAL_INSTRUCTION = 128 + 4


class ImageProof:
    """What is asked for of the image ``reference``, and what was proven of it. ``tell`` is called with what goes on, in words.

    Without ``cache`` that is remembered in the user's own.
    """

    def __init__(
        self,
        params: dict[str, Any],
        engine: SdkEngine,
        reference: str,
        platform: Platform,
        tell: Callable[[str], None],
        cache: str | None = None,
    ) -> None:
        self._engine = engine
        self._reference = reference
        self._platform = platform
        self._tell = tell
        self._level: str = params["verify"]
        self._smoke_test: dict[str, Any] | None = params["smoke_test"]
        self._table = Table("proofs", f"{engine.host}\0{reference}\0{platform}", cache)
        self._proven = self._table.load()
        self._containers = {_LABEL: reference}
        self._programs: dict[str, list[str]] = {}

    def missing(self, image: Image) -> list[str]:
        """The options by which this very image is not proven yet."""
        wanted, proven = self._wanted(), self._of(image.id)
        stricter = LEVELS.index(self._level) > LEVELS.index(proven["verify"])
        other = wanted["smoke_test"] not in ("", proven["smoke_test"])
        return [*(["verify"] if stricter else []), *(["smoke_test"] if other else [])]

    def result(self, image: Image | None) -> dict[str, Any]:
        """By what an image is proven, and which of its programs are odd, as the user sees it."""
        proven = self._of(image.id if image else "")
        verified = {"verify": proven["verify"], "smoke_test": bool(proven["smoke_test"])}
        return {"verified": verified, **self._programs}

    def prove_built(self, image_id: str) -> None:
        """Proves an image that has no name yet. One that fails goes again."""
        try:
            self._prove(image_id)
        except CrossbuildError as exc:
            self._engine.discard(image_id)
            raise CrossbuildError(
                f"The image built for {self._platform} is not proven to be one: {exc}. Look at the base image and at what is"
                f" copied into it. {self._reference} stays as it was."
            ) from exc

    def prove_existing(self, image: Image) -> None:
        """Proves of an image that is there what is not proven yet. One that fails stays."""
        try:
            self._prove(image.id)
        except CrossbuildError as exc:
            raise CrossbuildError(
                f"{self._reference} was there before, and is not proven to be for {self._platform}: {exc}. Look at the base"
                " image and at what is copied into it. It stays as it is."
            ) from exc

    def save(self) -> None:
        """Raises OSError where that is not possible."""
        self._table.save(self._proven)

    def forget(self) -> None:
        """Also removes the containers of a task that was killed."""
        self._table.forget()
        self._engine.remove_containers(self._containers)

    def _prove(self, image_id: str) -> None:
        """Raises CrossbuildError with what is wrong with the image, as half a sentence."""
        image = self._engine.image(image_id)
        if image is None:
            raise CrossbuildError("the engine does not have it any more. Was it removed meanwhile?")
        missing = self.missing(image)
        if missing:
            self._engine.remove_containers(self._containers)  # of a task that was killed
        if "verify" in missing:
            self._look_at(image)
        if "smoke_test" in missing and self._smoke_test:
            self._run(image, self._smoke_test)
        wanted, proven = self._wanted(), self._of(image_id)
        self._proven = {
            "image": image_id,
            "verify": max(self._level, proven["verify"], key=LEVELS.index),
            "smoke_test": wanted["smoke_test"] or proven["smoke_test"],
        }

    def _wanted(self) -> dict[str, str]:
        test = self._smoke_test
        # How long it may take says nothing about the image.
        return {"smoke_test": _build_key.part([test["command"], test["stdout"]]) if test else ""}

    def _of(self, image_id: str) -> dict[str, str]:
        nothing = {"verify": LEVELS[0], "smoke_test": ""}
        known = self._proven.get("image") == image_id and self._proven.get("verify") in LEVELS
        return {**nothing, **self._proven} if known else nothing

    def _look_at(self, image: Image) -> None:
        if self._level == "metadata":
            require_recorded(image, self._platform)
            return
        self._tell("looking at the image's programs")
        self._programs = look_at(self._engine, image, self._platform, self._level == "all", self._containers)

    def _run(self, image: Image, test: dict[str, Any]) -> None:
        self._tell("running the image's smoke test")
        processor = _PROCESSORS.get(self._platform.variant) if self._platform.architecture == "arm" else None
        environment = {"QEMU_CPU": processor} if processor else {}
        words = f"its smoke test ({shlex.join(test['command'])})"
        try:
            ran = self._engine.run(image.id, test["command"], environment, test["timeout"], self._containers)
        except CrossbuildError as exc:
            raise CrossbuildError(f"{words} could not be started: {exc}") from exc
        problem = _problem(ran, test)
        if problem:
            errors = f" and, as errors, {_short(ran.stderr)}" if ran.stderr else ""
            expected = "" if test["stdout"] is None else f"; expected was {_short(test['stdout'])}"
            raise CrossbuildError(f"{words} {problem}. It printed {_short(ran.stdout)}{errors}{expected}")


def require_recorded(image: Image, platform: Platform) -> None:
    """Raises CrossbuildError, as half a sentence, for an image that says that it is for another platform."""
    if not platform.accepts(image.platform):
        raise CrossbuildError(f"it is recorded as {image.platform}")


def look_at(
    engine: SdkEngine, image: Image, platform: Platform, every: bool, containers: dict[str, str]
) -> dict[str, list[str]]:
    """Which programs of an image are odd, by how. Raises CrossbuildError, as half a sentence, where it is not for the platform.

    ``every``: all programs and libraries decide. ``containers`` are the labels of the one by which the files are read.
    """
    from . import _image_programs

    require_recorded(image, platform)
    findings = _image_programs.examine(engine.files(image.id, every, containers), image.command, platform, every)
    if findings.wrong:
        raise CrossbuildError(findings.wrong)
    found = {"foreign_programs": findings.foreign, "silent_programs": findings.silent}
    return {name: programs for name, programs in found.items() if programs}


def _problem(ran: Ran, test: dict[str, Any]) -> str:
    """What is wrong with what a smoke test did; empty where nothing is. Line ends at the end do not count."""
    if ran.status is None:
        return f"was ended after {test['timeout']} seconds"
    if ran.status:
        hint = ", an illegal instruction: it needs a newer processor" if ran.status == _ILLEGAL_INSTRUCTION else ""
        return f"ended with status {ran.status}{hint}"
    if test["stdout"] is not None and ran.stdout.rstrip("\r\n") != test["stdout"].rstrip("\r\n"):
        return "printed something else"
    return ""


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + " ...")
