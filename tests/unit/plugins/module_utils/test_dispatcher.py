# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dispatcher compiled and attached, to a small native program that stands for an emulator; real ones have
tests/integration/dispatcher."""

from __future__ import annotations

import io
import os
import pathlib
import stat
import subprocess

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dispatcher, _elf
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._probe_programs import probe_program

SOURCE = (pathlib.Path(__file__).parents[4] / "roles/accelerator/files/dispatcher.c").read_text()


@pytest.fixture
def emulator(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "qemu-arm-static"
    path.write_bytes(probe_program(parse("amd64").arch))
    path.chmod(0o755)
    return path


@pytest.fixture
def copy(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "ours/qemu-arm-static"


def make(copy: pathlib.Path, emulator: pathlib.Path, source: str = SOURCE) -> None:
    _dispatcher.make(str(copy), str(emulator), source)


def is_current(copy: pathlib.Path, emulator: pathlib.Path, source: str = SOURCE) -> bool:
    return _dispatcher.is_current(str(copy), str(emulator), source)


def run(path: pathlib.Path) -> bytes:
    return subprocess.run(["CROSS"], executable=path, capture_output=True, check=True).stdout


def code(program: bytes) -> bytes:
    """Code and constants, without the headers before them."""
    loaded = [one for one in _elf.segments(io.BytesIO(program)) if one.type == _elf.PT_LOAD]
    assert [one.flags for one in loaded] == [_elf.PF_R | _elf.PF_X]
    return program[64 + 56 * len(_elf.segments(io.BytesIO(program))) : loaded[0].size]


def test_a_copy_is_made_and_runs(copy: pathlib.Path, emulator: pathlib.Path) -> None:
    before = emulator.read_bytes(), emulator.stat()
    old = os.umask(0o077)
    try:
        make(copy, emulator)
    finally:
        os.umask(old)
    assert (emulator.read_bytes(), emulator.stat().st_ino, emulator.stat().st_mtime_ns) == (
        before[0],
        before[1].st_ino,
        before[1].st_mtime_ns,
    )
    assert stat.S_IMODE(copy.stat().st_mode) == 0o755
    assert run(copy) == run(emulator) == b"CROSS"
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_it_has_the_name_of_the_emulators_file(emulator: pathlib.Path) -> None:
    link = emulator.parent / "arm-binfmt-P"
    link.symlink_to(emulator.name)
    assert _dispatcher.path(str(link)) == f"{_dispatcher.DIRECTORY}/qemu-arm-static"


def test_it_is_told_whether_a_copy_is_current(
    copy: pathlib.Path, emulator: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_current(copy, emulator)
    make(copy, emulator)
    monkeypatch.setenv("PATH", "")  # and so without a compiler
    assert is_current(copy, emulator)
    assert not is_current(copy, emulator, SOURCE + "\n")
    monkeypatch.setattr(_dispatcher, "_OPTIONS", (*_dispatcher._OPTIONS, "-O2"))
    assert not is_current(copy, emulator)
    monkeypatch.undo()
    made = copy.read_bytes()
    for damaged in (made[:-1], made + b"x", made[:100], b"", emulator.read_bytes()):
        copy.write_bytes(damaged)
        assert not is_current(copy, emulator)
    copy.write_bytes(made)
    assert is_current(copy, emulator)
    # As a package does it.
    new = emulator.parent / "new"
    new.write_bytes(emulator.read_bytes() + b"x")
    new.rename(emulator)
    assert not is_current(copy, emulator)


def test_a_copy_is_found_without_its_source(
    copy: pathlib.Path, emulator: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dispatcher, "DIRECTORY", str(copy.parent))
    assert _dispatcher.copy_of(str(emulator)) is None
    for source in (SOURCE, SOURCE.replace("/emul", "/lume")):
        make(copy, emulator, source)
        assert _dispatcher.copy_of(str(emulator)) == str(copy)
    made = copy.read_bytes()
    for damaged in (made[:-1], made + b"x", made[:100], b"", emulator.read_bytes()):
        copy.write_bytes(damaged)
        assert _dispatcher.copy_of(str(emulator)) is None
    copy.write_bytes(made)
    assert _dispatcher.copy_of(str(emulator)) == str(copy)
    emulator.write_bytes(emulator.read_bytes() + b"x")
    assert _dispatcher.copy_of(str(emulator)) is None
    emulator.write_bytes(made)  # which has a dispatcher itself
    assert _dispatcher.copy_of(str(emulator)) is None
    emulator.unlink()
    assert _dispatcher.copy_of(str(emulator)) is None


def test_copies_are_known_by_their_directory() -> None:
    assert _dispatcher.is_copy(_dispatcher.path("/usr/bin/qemu-arm-static"))
    assert not _dispatcher.is_copy("/usr/bin/qemu-arm-static")
    assert not _dispatcher.is_copy(_dispatcher.DIRECTORY + ".old/qemu-arm-static")


def test_one_that_is_in_use_is_replaced(copy: pathlib.Path, emulator: pathlib.Path) -> None:
    make(copy, emulator)
    before = copy.stat().st_ino
    reading, writing = os.pipe()
    # It cannot write to a full pipe, and so goes on running.
    os.set_blocking(writing, False)
    filler = os.write(writing, bytes(1 << 20))
    os.set_blocking(writing, True)
    process = subprocess.Popen(["CROSS"], executable=copy, stdout=writing)
    os.close(writing)
    make(copy, emulator, SOURCE + "\n")
    assert is_current(copy, emulator, SOURCE + "\n")
    assert copy.stat().st_ino != before
    with os.fdopen(reading, "rb") as file:
        assert file.read()[filler:] == b"CROSS"
    assert process.wait() == 0


def test_it_may_lie_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    low = _dispatcher.compiled(SOURCE)
    monkeypatch.setattr(_dispatcher, "_OPTIONS", ("-Wl,-Ttext-segment=0x7f0000000000", *_dispatcher._OPTIONS))
    high = _dispatcher.compiled(SOURCE)
    assert high != low
    assert code(high) == code(low)
    assert b"/dev/.crossbuild/emul\0" in code(low)
    assert len(low) < 4096


@pytest.mark.parametrize("more", ["int counter = 1;", "char buffer[10];", "extern int x; int *table[] = {&x}; int x;"])
def test_variables_are_refused(copy: pathlib.Path, emulator: pathlib.Path, more: str) -> None:
    with pytest.raises(CrossbuildError, match="no variables, no relocations"):
        make(copy, emulator, SOURCE + more)
    assert not copy.exists()


def test_where_there_is_no_compiler(
    copy: pathlib.Path, emulator: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(emulator.parent))
    with pytest.raises(CrossbuildError, match=r"no gcc on this host.* install the package gcc"):
        make(copy, emulator)
    # What a compiler would not help is said first.
    emulator.write_bytes(probe_program(parse("arm64").arch))
    with pytest.raises(CrossbuildError, match=f"{emulator} is made for arm64"):
        make(copy, emulator)


def test_where_it_cannot_compile(copy: pathlib.Path, emulator: pathlib.Path) -> None:
    with pytest.raises(
        CrossbuildError, match=r"(?s)cannot compile the dispatcher .status 1.*1:1: error.*GCC 8 or newer"
    ):
        make(copy, emulator, "nonsense")
    assert not copy.exists()


def test_where_there_is_no_emulator(copy: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(CrossbuildError, match=r"Cannot read .*/absent: No such file"):
        make(copy, tmp_path / "absent")
