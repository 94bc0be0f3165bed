# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``state: disabled``: entries stay, and run nothing, now and after a boot."""

from __future__ import annotations

import os
from functools import partial
from typing import Sequence

from ._binfmt_boot import BootFile
from ._binfmt_format import Format
from ._binfmt_host import BinfmtHost, in_words
from ._converge import Plan, Step
from ._errors import CrossbuildError


class Disabled:
    def __init__(self, where: BinfmtHost, formats: Sequence[Format]) -> None:
        self.where = where
        self.formats = formats

    def plan(self) -> Plan:
        plan = Plan()
        for entry in self.where.misc.entries():
            taken = [form for form in self.formats if form.takes(entry)]
            if not taken:
                continue
            plan.before.append(f"kernel: {in_words(entry)}")
            plan.after.append(f"kernel: {in_words(entry).replace(' (disabled)', '')} (disabled)")
            if entry.enabled:
                self._require_asked_for(taken, entry.name, self.where.misc.path)
                plan.steps.append(Step(f"kernel: disable {entry.name}", partial(self.where.disable, entry.name)))
        if plan.steps:
            self.where.misc.require_writable()
        if self.where.boot_reader != "none":
            self._plan_boot(plan)
        plan.result = {
            "entries": {form.label: None for form in self.formats},
            "native": [],
            "platforms": [],
            "proven": {},
            "persistent": self.where.boot_reader != "none",
            "scope": self.where.scope,
            "instance": self.where.instance(),
        }
        return plan

    def _require_asked_for(self, taken: Sequence[Format], name: str, origin: str) -> None:
        if name not in {form.name for form in taken} and self.where.conflict == "fail":
            raise CrossbuildError(
                f"The entry {name} in {origin}, which this collection did not make, handles the programs of a platform or"
                " format you ask to disable. Say conflict: replace or conflict: adopt to disable it, too."
            )

    def _plan_boot(self, plan: Plan) -> None:
        """Our files that register go, and every other that registers is hidden by one of ours of the same name."""
        boot = self.where.boot
        ours = {file.path: file for file in boot.ours()}
        hidden = {boot.mask_path(file.path): file for file in boot.distribution() if self._taken(file)}
        for path, file in ours.items():
            if self._taken(file):
                plan.before.append(f"boot: {path} registers {', '.join(entry.name for entry in file.entries)}")
                plan.steps.append(Step(f"boot: remove {path}", partial(boot.remove, path)))
        for path, file in hidden.items():
            names = self._taken(file)
            plan.after.append(f"boot: {path} disables {', '.join(names)}")
            if path in ours and ours[path].disabled:
                plan.before.append(f"boot: {path} disables {', '.join(ours[path].disabled)}")
                continue
            self._require_maskable(file, path)
            plan.before.append(f"boot: {file.path} registers {', '.join(entry.name for entry in file.entries)}")
            plan.steps.append(Step(f"boot: write {path}, which disables", partial(boot.mask, file.path, names)))

    def _taken(self, file: BootFile) -> list[str]:
        """The names of the formats asked for that a file registers an entry for."""
        return [form.name for form in self.formats if any(form.takes(entry) for entry in file.entries)]

    def _require_maskable(self, file: BootFile, path: str) -> None:
        others = [entry.name for entry in file.entries if not any(form.takes(entry) for form in self.formats)]
        if others:
            raise CrossbuildError(
                f"{file.path} registers {', '.join(others)} beside what you ask to disable, and is read or hidden as a whole:"
                f" remove the line from it{'' if file.path == path else ' or from a copy of it, ' + path}, or say boot: none."
            )
        for entry in file.entries:
            self._require_asked_for([form for form in self.formats if form.takes(entry)], entry.name, file.path)
        if os.path.lexists(path) and self.where.boot.foreign(path) and self.where.conflict != "replace":
            raise CrossbuildError(
                f"{path} was not written by this collection, and registers at boot what you ask to disable. Remove the file,"
                " or say conflict: replace (it is overwritten) or boot: none."
            )
