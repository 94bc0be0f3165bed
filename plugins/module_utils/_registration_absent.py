# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``state: absent``: what this module added is gone, and what the distribution's own configuration says is back."""

from __future__ import annotations

import os
from functools import partial
from typing import Sequence

from . import _binfmt_support
from ._binfmt_boot import BootFile, last_first
from ._binfmt_entry import Entry
from ._binfmt_format import Format
from ._binfmt_host import BinfmtHost, in_words
from ._converge import Plan, Step


class Absent:
    """The way back for some formats."""

    def __init__(self, where: BinfmtHost, formats: Sequence[Format]) -> None:
        self.where = where
        self.formats = formats

    def plan(self) -> Plan:
        plan = Plan()
        left = {entry.name: entry for entry in self.where.misc.entries()}
        masks = self.where.boot.masks([form.name for form in self.formats])
        freed = [form for form in self.formats if self._plan_removal(plan, form, left)]
        self._plan_enabling(plan, left, removed={form.name for form in freed})
        for mask in masks:
            plan.before.append(f"boot: {mask.path} disables {', '.join(mask.disabled)}")
            plan.steps.append(
                Step(f"boot: remove {mask.path}, which disables", partial(self.where.boot.remove, mask.path))
            )
            freed += [form for form in self.formats if form.name in mask.disabled and form not in freed]
        if self.where.boot_reader != "none":
            self._plan_return(plan, freed, masks, left)
        if self.where.scope != "user" and _binfmt_support.active():
            self._plan_return_of_binfmt_support(plan, freed, left)
        if self.where.receipt.load().get("mounted") and not left:
            plan.steps.append(Step(f"unmount {self.where.misc.path}", self._unmount))
        plan.result = {
            "entries": {},
            "native": [],
            "platforms": [],
            "proven": {},
            "persistent": False,
            "scope": self.where.scope,
            "instance": self.where.instance(),
        }
        return plan

    def _plan_removal(self, plan: Plan, form: Format, left: dict[str, Entry]) -> bool:
        """Whether an entry of ours goes from the kernel, and so from ``left``."""
        present = left.get(form.name)
        if form.name not in self.where.recorded() and not self.where.boot.owned(form.name):
            return False
        # Somebody may have registered another entry under that name since: that one is not ours to remove.
        ours = present is not None and self.where.registered_by_us(present)
        plan.before.append(f"{form.name}: {in_words(present)}")
        plan.steps.append(Step(f"remove {form.name}", partial(self._forget, form.name, ours)))
        if ours:
            del left[form.name]
        return ours

    def _forget(self, name: str, in_kernel: bool) -> None:
        if in_kernel:
            self.where.misc.remove(name)
        self.where.boot.remove(self.where.boot.path(name))
        self.where.record("entries", {other: line for other, line in self.where.recorded().items() if other != name})
        if in_kernel:
            self._forget_disabled(name)

    def _forget_disabled(self, name: str) -> None:
        self.where.record("disabled", [other for other in self.where.disabled() if other != name])

    def _plan_enabling(self, plan: Plan, left: dict[str, Entry], removed: set[str]) -> None:
        """What we disabled and somebody else had registered. Those that are removed are forgotten with that."""
        for name in self.where.disabled():
            entry = left.get(name)
            if entry and not entry.enabled and any(_about(form, entry) for form in self.formats):
                plan.before.append(f"kernel: {in_words(entry)}")
                plan.steps.append(Step(f"kernel: enable {name}", partial(self.where.enable, name)))
            elif (entry is None or entry.enabled) and name not in removed:
                plan.before.append(f"record: {name} was disabled")
                plan.steps.append(
                    Step(f"forget that {name} was disabled: it no longer is", partial(self._forget_disabled, name))
                )

    def _plan_return(
        self, plan: Plan, freed: Sequence[Format], masks: Sequence[BootFile], left: dict[str, Entry]
    ) -> None:
        """The entries that the next boot would register, now that ours do not stand in their way."""
        going = {self.where.boot.path(form.name) for form in self.formats} & {f.path for f in self.where.boot.ours()}
        files = self.where.boot.files(without=going | {mask.path for mask in masks})
        for entry, path in reversed(last_first(files)):
            self._plan_registration(plan, freed, left, entry, path, partial(self.where.misc.register, entry))

    def _plan_return_of_binfmt_support(self, plan: Plan, freed: Sequence[Format], left: dict[str, Entry]) -> None:
        """What it would register at the next boot, where no entry of that name is yet; by its own means, with detectors."""
        for entry in _binfmt_support.entries():
            register = partial(_binfmt_support.register, entry.name)
            self._plan_registration(plan, freed, left, entry, "binfmt-support", register)

    def _plan_registration(
        self,
        plan: Plan,
        freed: Sequence[Format],
        left: dict[str, Entry],
        entry: Entry,
        origin: str,
        register: partial[None],
    ) -> None:
        wanted = any(_about(form, entry) for form in freed) and entry.name not in left
        if wanted and os.path.exists(entry.interpreter):
            plan.after.append(f"kernel: {in_words(entry)}")
            plan.steps.append(Step(f"kernel: register {entry.name}, as {origin} says", register))
            left[entry.name] = entry

    def _unmount(self) -> None:
        if self.where.misc.mounted():
            self.where.misc.unmount()
        self.where.record("mounted", False)


def _about(form: Format, entry: Entry) -> bool:
    # A custom format may be taken away by its name alone.
    return entry.name == form.name or form.takes(entry)
