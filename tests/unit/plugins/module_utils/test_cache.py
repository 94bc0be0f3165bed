# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is remembered between runs: kept exactly, and never believed where it is not whole."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils import _cache, _evidence
from ansible_collections.trusted.crossbuild.plugins.module_utils._cache import Table

# Paths: any bytes but NUL.
TEXT = (
    st.binary(max_size=20)
    .filter(lambda data: b"\0" not in data)
    .map(lambda data: data.decode(errors="surrogateescape"))
)
CONTENT = {"a": "1", "b": "", "c\n\udcff": "3"}


@given(st.dictionaries(TEXT.filter(bool), TEXT, min_size=1))
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, content: dict[str, str]) -> None:
    root = str(tmp_path_factory.getbasetemp())
    Table("kind", "subject", root).save(content)
    assert list(Table("kind", "subject", root).load().items()) == list(content.items())


def test_nothing_saved_is_nothing_loaded(tmp_path: Path) -> None:
    table = Table("kind", "subject", str(tmp_path))
    assert table.load() == {}
    table.forget()
    table.save(CONTENT)
    table.forget()
    assert table.load() == {}


def test_kinds_and_subjects_have_tables_of_their_own(tmp_path: Path) -> None:
    Table("kind", "subject", str(tmp_path)).save(CONTENT)
    assert Table("other", "subject", str(tmp_path)).load() == {}
    assert Table("kind", "other", str(tmp_path)).load() == {}


@pytest.mark.parametrize("at", range(0, 110, 3))
def test_a_damaged_table_is_not_believed(tmp_path: Path, at: int) -> None:
    table = Table("kind", "subject", str(tmp_path))
    table.save(CONTENT)
    path = Path(table.path)
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1
    path.write_bytes(data)
    assert table.load() == {}


def test_a_table_cut_short_is_not_believed(tmp_path: Path) -> None:
    table = Table("kind", "subject", str(tmp_path))
    table.save(CONTENT)
    whole = Path(table.path).read_bytes()
    for length in range(len(whole)):
        Path(table.path).write_bytes(whole[:length])
        assert table.load() == {}


def test_a_table_of_another_version_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("kind", "subject", str(tmp_path))
    monkeypatch.setattr(_evidence, "FORMAT", 0)
    table.save(CONTENT)
    assert table.load() == CONTENT
    monkeypatch.undo()
    assert table.load() == {}


def test_what_nobody_needed_for_long_is_removed(tmp_path: Path) -> None:
    tables = [Table("kind", subject, str(tmp_path)) for subject in ("old", "recent", "new")]
    for table, days in zip(tables[:2], (91, 89)):
        table.save(CONTENT)
        os.utime(table.path, (time.time(), time.time() - days * 24 * 3600))
    tables[2].save(CONTENT)
    assert [table.load() for table in tables] == [{}, CONTENT, CONTENT]


def test_only_its_user_can_read_it(tmp_path: Path) -> None:
    table = Table("kind", "subject", str(tmp_path))
    table.save(CONTENT)
    assert stat.S_IMODE(Path(table.path).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(table.path).parent.stat().st_mode) == 0o700


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert _evidence.directory() == "/var/cache/trusted.crossbuild/docker_image"
    monkeypatch.setattr("os.geteuid", lambda: 1)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert _evidence.directory() == "/cache/trusted.crossbuild/docker_image"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/user")
    assert _evidence.directory() == "/home/user/.cache/trusted.crossbuild/docker_image"


def never() -> NoReturn:
    raise AssertionError("there is nobody to wait for")


def test_one_waits_for_the_other(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def note(text: str) -> Callable[[], None]:
        def write() -> None:
            with log.open("a") as file:
                file.write(text)

        return write

    child = os.fork()
    if child == 0:
        while not log.exists():
            time.sleep(0.01)
        with _cache.only_one("other", never, str(tmp_path)), _cache.only_one("subject", note("waits "), str(tmp_path)):
            note("second")()
        os._exit(0)
    with _cache.only_one("subject", never, str(tmp_path)):
        log.touch()
        while not log.read_text():
            time.sleep(0.01)
        note("first ")()
    assert os.waitpid(child, 0)[1] == 0
    assert log.read_text() == "waits first second"


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        with _cache.only_one("subject", never, str(tmp_path)):
            os._exit(0)
    os.waitpid(child, 0)
    with _cache.only_one("subject", never, str(tmp_path)):
        assert list((tmp_path / "locks").iterdir())
