# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``state: present``: entries compared, repaired in kernel and boot configuration, proven by execution."""

from __future__ import annotations

import filecmp
import os
from functools import partial
from typing import Any, Sequence

from . import _binfmt_support, _dispatcher, _emulators, _probe
from ._binfmt_boot import last_first
from ._binfmt_entry import Entry, register_line, same_programs
from ._binfmt_format import Flags, Format, argv0_arrives, flag_defects, of_architecture
from ._binfmt_host import BinfmtHost, describe, in_words
from ._converge import Plan, Step
from ._errors import CrossbuildError
from ._platform import Platform, everything, parse, runs_natively

# Debian's link; an emulator called by such a name takes argv[0] for preserved, whatever its version.
_PRESERVING_LINK = "-binfmt-P"


def defects(entry: Entry, wanted: Entry, running: tuple[int, int] | None = None) -> list[str]:
    """In words, why an entry is not as good as the one wanted. Its name and path do not matter.

    ``running`` is the file that the kernel was seen to run programs by, None where that was not seen.
    """
    found = flag_defects(entry.flags, wanted.flags)
    if not os.path.exists(entry.interpreter):
        found.append(f"its interpreter {entry.interpreter} is not on this host")
    elif not _same_content(entry.interpreter, wanted.interpreter):
        found.append(f"its interpreter {entry.interpreter} is another program than {wanted.interpreter}")
    elif "F" in entry.flags and _stale(entry, running):
        found.append(
            f"{entry.interpreter} was replaced after the registration: the kernel still runs programs by the older file"
        )
    return found


def _same_content(one: str, other: str) -> bool:
    return os.path.samefile(one, other) or filecmp.cmp(one, other, shallow=False)


def _stale(entry: Entry, running: tuple[int, int] | None) -> bool:
    """Whether the file that flag F keeps open is no longer the one of that path."""
    now = os.stat(entry.interpreter)
    if running is not None:
        return running != (now.st_dev, now.st_ino)
    # Nobody saw it running. The entry's own time is that of its registration (0: not from the kernel).
    return 0 < entry.registered_ns < now.st_ctime_ns


class Present:
    """The entries for some formats, each with its interpreter; that of an architecture is its emulator."""

    def __init__(
        self,
        where: BinfmtHost,
        formats: Sequence[Format],
        platforms: Sequence[Platform],
        flags: Flags,
        interpreter: str | None,
        check_mode: bool,
    ) -> None:
        self.where = where
        self.formats = formats
        self.platforms = [platform for platform in platforms if not runs_natively(platform)]
        self.native = [platform for platform in platforms if runs_natively(platform)]
        self.flags = flags
        self.interpreter = interpreter
        self.check_mode = check_mode
        self.proofs: dict[Platform, _probe.Proof] = {}
        self.preserving: set[str] = set()

    def plan(self) -> Plan:
        self.where.misc.require_switched_on()
        proofs = _probe.execute([*self.platforms, *self.native])
        self.proofs = {platform: proofs[platform] for platform in self.platforms}
        in_kernel = self.where.misc.entries()
        plan = Plan(warnings=self._warnings(in_kernel))
        wanted = self._wanted(plan, in_kernel)
        if not self._served_by_the_host():
            for form, entry in wanted:
                self._compare_kernel(plan, form, entry, in_kernel)
            self._require_writable(plan)
        if self.where.boot_reader != "none":
            self._compare_boot(plan, wanted)
        plan.result = {
            "entries": {form.label: describe(form.responsible(in_kernel)) for form in self.formats},
            "native": [str(platform) for platform in self.native],
            "platforms": [str(platform) for platform, proof in proofs.items() if proof.isolated and not proof.reason],
            "proven": {str(platform): _observed(platform, proof, in_kernel) for platform, proof in proofs.items()},
            "persistent": self.where.boot_reader != "none",
            "scope": self.where.scope,
            "instance": self.where.instance(),
        }
        return plan

    def _served_by_the_host(self) -> bool:
        """Whether no instance is mounted here, and the programs run nevertheless, by entries that cannot be seen."""
        unseen = self.where.child and self.where.scope != "user" and not self.where.misc.mounted()
        return unseen and bool(self.proofs) and all(proof.runs and not proof.reason for proof in self.proofs.values())

    def _require_writable(self, plan: Plan) -> None:
        if not plan.steps:
            return
        self.where.misc.require_mountable()
        if not self.where.misc.mounted():
            plan.steps.insert(0, Step(f"mount binfmt_misc at {self.where.misc.path}", self._mount))

    def _mount(self) -> None:
        self.where.misc.mount()
        self.where.misc.lock()
        self.where.record("mounted", True)

    def _wanted(self, plan: Plan, in_kernel: list[Entry]) -> list[tuple[Format, Entry]]:
        """The entry to have for each format. In check mode emulators that are still to be installed are left out."""
        found = []
        for form in self.formats:
            entry = self._wanted_entry(plan, form, form.responsible(in_kernel))
            if entry:
                register_line(entry)  # what cannot be registered is said now
                found.append((form, entry))
        return found

    def _wanted_entry(self, plan: Plan, form: Format, actual: Entry | None) -> Entry | None:
        if form.architecture is None:
            return form.entry(_require_program(self.interpreter or ""), self.flags.letters(preserve_argv0=False))
        emulator = _emulators.find(form.architecture)
        if self.check_mode and not (emulator and emulator.usable):
            plan.steps.append(Step(f"register {form.name} once its emulator is installed", lambda: None))
            return None
        emulator = _emulators.require(form.architecture)
        flags = self.flags.letters(preserve_argv0=self._argv0_arrives(form, emulator, actual))
        if "P" in flags:
            self.preserving.add(form.label)
        copy = _dispatcher.copy_of(emulator.path)
        if copy:
            why_not = self.flags.undispatched() or self._untold(form, emulator, actual)
            if not why_not:
                return form.entry(copy, flags)
            plan.warnings.append(
                f"Builds for {form.architecture.docker} are not accelerated: {emulator.path} is registered, and not {copy},"
                f" as {why_not}."
            )
        return form.entry(emulator.interpreter if "P" in flags else emulator.path, flags)

    def _argv0_arrives(self, form: Format, emulator: _emulators.Emulator, actual: Entry | None) -> bool:
        if self.flags.preserve_argv0 is not None or emulator.interpreter.endswith(_PRESERVING_LINK):
            return True
        return not self._untold(form, emulator, actual)

    def _untold(self, form: Format, emulator: _emulators.Emulator, actual: Entry | None) -> str | None:
        """In words, why an emulator cannot know, other than by its name, that argv[0] is preserved; None where it can."""
        if actual and "P" in actual.flags and not actual.interpreter.endswith(_PRESERVING_LINK):
            proof = self._proof(form)
            if proof and proof.argv0:
                return None  # seen: no need to ask for versions
        kernel, version = os.uname().release, emulator.version()
        if argv0_arrives(kernel, version):
            return None
        return f"that takes QEMU 6.0 and Linux 5.12 or newer, and these are {version} and {kernel}"

    def _proof(self, form: Format) -> _probe.Proof | None:
        return next((proof for platform, proof in self.proofs.items() if platform.arch == form.architecture), None)

    def _compare_kernel(self, plan: Plan, form: Format, wanted: Entry, in_kernel: list[Entry]) -> None:
        actual = form.responsible(in_kernel)
        disabled = next((entry for entry in in_kernel if entry.name == form.name and not entry.enabled), None)
        if actual:
            proof = self._proof(form)
            wrong = self._defects(form, actual, wanted, proof.file if proof else None)
        elif disabled and form.takes(disabled) and not self._defects(form, disabled, wanted, None):
            plan.before.append(f"kernel: {in_words(disabled)}")
            plan.after.append(f"kernel: {in_words(wanted)}")
            plan.steps.append(Step(f"kernel: enable {form.name}", partial(self._enable, form, wanted)))
            return
        else:
            wrong = ["no entry handles its programs" if form.architecture else "no entry handles its files"]
        if not self._to_do(plan, "kernel", form, actual, wanted, wrong):
            if actual and wrong and form.architecture and _dispatcher.is_copy(wanted.interpreter):
                plan.warnings.append(
                    f"Builds for {form.architecture.docker} are not accelerated: the entry {actual.name} stays, as"
                    f" conflict: adopt says, and runs programs by {actual.interpreter}, and not by {wanted.interpreter}."
                )
            return
        namesake = next((entry for entry in in_kernel if entry.name == form.name), None)
        for other in (actual, namesake):
            if other and self._somebody_elses(form, other):
                self._require_replaceable(other, self.where.misc.path, wrong)
        plan.steps.append(_step("kernel", wanted, wrong, partial(self.where.register, wanted, actual)))

    def _somebody_elses(self, form: Format, entry: Entry) -> bool:
        unrelated = not form.takes(entry) and entry.name not in self.where.recorded()
        return unrelated or self.where.foreign(form, entry.name)

    def _to_do(
        self, plan: Plan, place: str, form: Format, actual: Entry | None, wanted: Entry, wrong: list[str]
    ) -> bool:
        """Whether something is to be written; notes the two sides of the diff."""
        adopted = actual is not None and self.where.conflict == "adopt" and self.where.foreign(form, actual.name)
        to_do = bool(wrong) and not adopted
        plan.before.append(f"{place}: {in_words(actual)}")
        plan.after.append(f"{place}: {in_words(wanted if to_do else actual)}")
        return to_do

    def _defects(self, form: Format, entry: Entry, wanted: Entry, running: tuple[int, int] | None) -> list[str]:
        # An architecture's entry may match more or less than ours, as long as it takes the architecture's programs.
        other = form.architecture is None and not same_programs(entry, wanted)
        words = ["it matches other files than asked for"] if other else []
        return words + defects(entry, wanted, running)

    def _enable(self, form: Format, wanted: Entry) -> None:
        self.where.enable(form.name)
        # Only now that it is enabled a program tells which file it keeps open.
        proofs = _probe.execute([platform for platform in self.platforms if platform.arch == form.architecture])
        for entry in self.where.misc.entries():
            running = next((proof.file for proof in proofs.values()), None)
            if entry.name == form.name and self._defects(form, entry, wanted, running):
                self.where.register(wanted, None)

    def _require_replaceable(self, entry: Entry, origin: str, wrong: list[str]) -> None:
        if self.where.conflict == "replace":
            return
        raise CrossbuildError(
            f"The entry {entry.name} in {origin}, which this collection did not make, handles the programs of a platform or"
            f" format you ask for, and {'; '.join(wrong)}. Remove it where it comes from, or say conflict: replace (it goes) or"
            " conflict: adopt (it stays and is used as it is)."
        )

    def _compare_boot(self, plan: Plan, wanted: list[tuple[Format, Entry]]) -> None:
        boot = self.where.boot
        masks = boot.masks([form.name for form in self.formats])
        for mask in masks:
            plan.before.append(f"boot: {mask.path} disables {', '.join(mask.disabled)}")
            plan.steps.append(Step(f"boot: remove {mask.path}, which disables", partial(boot.remove, mask.path)))
        at_boot = last_first(boot.files(without={mask.path for mask in masks}))
        for form, entry in wanted:
            self._compare_at_boot(plan, form, entry, at_boot)

    def _compare_at_boot(self, plan: Plan, form: Format, wanted: Entry, at_boot: list[tuple[Entry, str]]) -> None:
        actual = form.responsible(entry for entry, _path in at_boot)
        wrong = self._defects(form, actual, wanted, None) if actual else ["no entry handles its programs"]
        if not self._to_do(plan, "boot", form, actual, wanted, wrong):
            return
        source = next((path for entry, path in at_boot if entry is actual), None)
        if actual and source and self.where.foreign(form, actual.name):
            self._require_replaceable(actual, source, wrong)
        self._require_effective(wanted, actual, source, wrong)
        plan.steps.append(_step("boot", wanted, wrong, partial(self.where.boot.write, wanted)))

    def _require_effective(self, wanted: Entry, actual: Entry | None, source: str | None, wrong: list[str]) -> None:
        """Our file may be written, and then is what counts at boot."""
        path = self.where.boot.path(wanted.name)
        if self.where.boot.foreign(path) and self.where.conflict != "replace":
            raise CrossbuildError(
                f"{path} was not written by this collection, and with it {wanted.name} is not registered at boot as it"
                f" should be: {'; '.join(wrong)}. Remove the file, or say conflict: replace (it is overwritten) or boot: none."
            )
        if actual and source and os.path.basename(source) > os.path.basename(path):
            raise CrossbuildError(
                f"At boot {source} is read after {path}, and its entry {actual.name} handles the programs of a platform or"
                f" format you ask for, and {'; '.join(wrong)}. Remove it from that file, or say boot: none."
            )

    def _warnings(self, in_kernel: list[Entry]) -> list[str]:
        found = []
        if self.where.boot_reader == "none" and self.formats:
            found.append(self._passing())
        asked = {platform.architecture for platform in self.platforms}
        if "arm64" in asked and "arm" not in asked and not _handled("arm", in_kernel):
            found.append(
                "linux/arm64 without linux/arm: BuildKit takes arm64 for able to run arm/v7, and such builds then end in"
                " 'exec format error'. Ask for both."
            )
        return found + self._beside() + self._hidden()

    def _passing(self) -> str:
        if self.where.scope == "user":
            return (
                "The entries are those of a user namespace, and hold as long as it does: run this again when the engine or"
                " the session that made it has been started anew."
            )
        return (
            f"Nothing on this host registers these entries at boot: {self.where.unread}. They hold until the next boot, then"
            " run this again."
        )

    def _beside(self) -> list[str]:
        if self.where.scope == "user" or not _binfmt_support.active():
            return []
        theirs = [entry for entry in _binfmt_support.entries() if any(form.takes(entry) for form in self.formats)]
        if not theirs:
            return []
        names = ", ".join(entry.name for entry in theirs)
        return [
            f"binfmt-support is active beside this, and registers {names} at boot where no entry of that name is yet, and removes"
            " it when its service stops. Have one owner: systemctl disable binfmt-support, or for one entry"
            " update-binfmts --package PACKAGE --remove NAME INTERPRETER."
        ]

    def _hidden(self) -> list[str]:
        """What a new instance takes away from a user namespace: the entries of the host, which serve it until then."""
        if not self.where.child or self.where.misc.mounted() or self._served_by_the_host():
            return []
        others = [platform for platform in everything() if platform not in [*self.platforms, *self.native]]
        served = [platform for platform, proof in _probe.execute(others).items() if proof.runs]
        lost = [str(platform) for platform in served if not runs_natively(platform)]
        if not lost:
            return []
        return [
            f"{', '.join(lost)} ran in this user namespace by the host's entries, which its own instance of binfmt_misc hides."
            " Ask for them, too."
        ]

    def require_proven(self) -> None:
        """Raises CrossbuildError where a program of a platform did not run, or lost the name that it should keep."""
        broken = {
            str(platform): proof
            for platform, proof in self.proofs.items()
            if not proof.runs or (proof.argv0 is False and platform.arch.qemu in self.preserving)
        }
        if broken:
            words = "; ".join(f"{platform}: {_probe.explain(proof)}" for platform, proof in broken.items())
            raise CrossbuildError(f"The entries are registered, but a program run to prove them failed: {words}")


def _require_program(path: str) -> str:
    if not (os.path.isfile(path) and os.access(path, os.X_OK)):
        raise CrossbuildError(f"The interpreter {path} is no executable file on this host. Install it first.")
    return path


def _handled(name: str, in_kernel: list[Entry]) -> bool:
    architecture = parse(name).arch
    return of_architecture(architecture).responsible(in_kernel) is not None


def _observed(platform: Platform, proof: _probe.Proof, in_kernel: list[Entry]) -> dict[str, Any]:
    entry = of_architecture(platform.arch).responsible(in_kernel)
    return {
        "runs": proof.runs,
        "in_containers": proof.runs and proof.isolated,
        "argv0": proof.argv0,
        "emulator_version": _emulators.version_at(entry.interpreter, platform.arch) if entry else None,
        "dispatcher": entry is not None and _dispatcher.is_copy(entry.interpreter),
    }


def _step(place: str, wanted: Entry, wrong: list[str], run: partial[None]) -> Step:
    return Step(f"{place}: register {wanted.name} ({'; '.join(wrong)})", run)
