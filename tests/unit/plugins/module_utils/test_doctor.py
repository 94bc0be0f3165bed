# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""At which layer a reason is told. Hosts on which each layer is really broken: tests/integration/targets/doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _doctor, _elf, _layer, _platform
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_entry import Entry
from ansible_collections.trusted.crossbuild.plugins.module_utils._emulators import Emulator
from ansible_collections.trusted.crossbuild.plugins.module_utils._reason import REMEDIES, Reason, sentence

ARMHF = _platform.parse("armhf")
AT_ENTRY = {"not_registered", "wrong_instance", "disabled", "shadowed", "not_fixed", "argv0_lost"}
AT_EMULATOR = {"interpreter_missing", "not_static", "no_program", "denied"}


class Misc:
    """A table of one entry, as if the kernel had it."""

    path = "/binfmt_misc"

    def __init__(self, entry: Entry | None) -> None:
        self._entries = [entry] if entry else []

    def mounted(self) -> bool:
        return True

    def entries(self) -> list[Entry]:
        return self._entries


@pytest.fixture
def interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An emulator's file. It is of QEMU 7.2.22, and what a boot registers is what the kernel has."""
    path = tmp_path / "qemu-arm-static"
    path.touch()
    emulator = Emulator(ARMHF.arch, str(path), "static")
    monkeypatch.setattr(_doctor._emulators, "require", lambda _arch: emulator)
    monkeypatch.setattr(_doctor._emulators, "describe", lambda _list: ({"arm": {"version": "7.2.22"}}, []))
    monkeypatch.setattr(_doctor, "reader", lambda: ("systemd", ""))
    monkeypatch.setattr(_doctor.BootConfiguration, "entries", lambda _self: [entry(str(path))])
    monkeypatch.setattr(_doctor._binfmt_support, "active", lambda: False)
    return str(path)


def entry(interpreter: str, flags: str = "POF") -> Entry:
    magic, mask = _elf.binfmt_magic(ARMHF.arch)
    return Entry("qemu-arm", interpreter, magic, mask, flags=flags)


def row(interpreter: str, reason: Reason | None = None, **other: Any) -> dict[str, Any]:
    """What platform_info tells."""
    return {
        "status": "unavailable" if reason else "emulated",
        "in_containers": reason is None,
        "entry": {"name": "qemu-arm", "interpreter": interpreter, "flags": "POF", "current": True},
        "linkage": "static",
        "reason": str(reason) if reason else None,
        "explanation": sentence(reason, "x") if reason else "",
        **other,
    }


def layers(told: dict[str, Any], table: Entry | None) -> dict[str, _layer.Layer]:
    found = _doctor._Emulation(ARMHF, told, Misc(table)).layers()  # type: ignore[arg-type]
    return {layer.layer: layer for layer in found}


def failing(found: dict[str, _layer.Layer]) -> list[str]:
    return [name for name, layer in found.items() if layer.holds is False]


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_is_told_at_one_layer_and_at_the_execution(reason: Reason, interpreter: str) -> None:
    place = "entry" if reason in AT_ENTRY else "emulator" if reason in AT_EMULATOR else "execution"
    found = layers(row(interpreter, reason), entry(interpreter))
    assert failing(found) == list(dict.fromkeys([place, "execution"]))
    assert found[place].remedy == REMEDIES[reason]


def test_all_well(interpreter: str) -> None:
    found = layers(row(interpreter), entry(interpreter))
    assert list(found) == ["emulator", "entry", "boot", "execution"]
    assert failing(found) == []
    assert found["emulator"].found == f"{interpreter}, QEMU 7.2.22, static"


def test_a_native_platform_needs_no_emulator() -> None:
    assert list(layers({**row("", None), "status": "native", "entry": None}, None)) == ["execution"]


def test_an_emulator_that_only_the_kernel_has_still_will_not_come_back(interpreter: str) -> None:
    gone = interpreter + "-gone"
    found = layers(row(gone), entry(gone))
    assert failing(found) == ["emulator"]
    assert "is gone; the kernel keeps it open" in found["emulator"].found


def test_a_replaced_emulator_is_to_be_registered_again(interpreter: str) -> None:
    stale = {"name": "qemu-arm", "interpreter": interpreter, "flags": "POF", "current": False}
    found = layers(row(interpreter, entry=stale), entry(interpreter))
    assert failing(found) == ["entry"]
    assert "still runs programs by the file that was" in found["entry"].found


def test_what_is_known_to_be_broken_does_not_hold(interpreter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    warned = ({"arm": {"version": "5.2.0"}}, ["It is QEMU 5.2.0, which crashes. Ask for a newer version."])
    monkeypatch.setattr(_doctor._emulators, "describe", lambda _list: warned)
    found = layers(row(interpreter), entry(interpreter))
    assert failing(found) == ["emulator"]
    assert found["emulator"].remedy == "Ask for a newer version."


@pytest.mark.parametrize(
    ("at_boot", "words"),
    [([], "No configuration registers an entry"), ([("", "POF")], "not on this host"), ([(None, "PO")], "flag F")],
)
def test_what_a_boot_would_register_must_do(
    at_boot: list[tuple[str | None, str]], words: str, interpreter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [entry(interpreter if path is None else "/gone", flags) for path, flags in at_boot]
    monkeypatch.setattr(_doctor.BootConfiguration, "entries", lambda _self: entries)
    found = layers(row(interpreter), entry(interpreter))
    assert failing(found) == ["boot"]
    assert words in found["boot"].found


def test_entries_of_another_host_are_not_judged() -> None:
    found = layers(row("", entry=None), None)
    assert failing(found) == []
    assert [layer.holds for layer in found.values()] == [None, None, None, True]


def test_without_root_nothing_is_proven_of_containers(interpreter: str) -> None:
    told = row(interpreter, in_containers=False, explanation="It runs; not proven. Ask as root (become: true).")
    found = layers(told, entry(interpreter))
    assert failing(found) == ["execution"]
