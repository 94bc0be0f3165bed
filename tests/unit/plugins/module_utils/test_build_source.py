# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a build: Dockerfile, context, .dockerignore, and what of them is sent."""

from __future__ import annotations

import io
import mmap
import os
import tarfile
import time
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _build_source, _evidence
from ansible_collections.trusted.crossbuild.plugins.module_utils._context import Context
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._evidence import stamp

TEXT = "FROM base\n"


def read(path: str | None, dockerfile: str, inline: str | None) -> _build_source.Source:
    return _build_source.Reader(path, dockerfile, inline).read()


def sent(source: _build_source.Source) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(source.stream()))) as archive:
        return {info.name: file.read() for info in archive if (file := archive.extractfile(info))}


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(TEXT)
    (tmp_path / "file").write_text("content")
    return tmp_path


def test_a_dockerfile_in_the_context_is_sent_as_it_is(context: Path) -> None:
    source = read(str(context), "./Dockerfile", None)
    assert sent(source) == {"Dockerfile": TEXT.encode(), "file": b"content"}
    assert source.sent_name == "Dockerfile"


def test_an_inline_dockerfile_needs_no_context() -> None:
    source = read(None, "Dockerfile", TEXT)
    assert sent(source)[source.sent_name] == TEXT.encode()
    assert source.members == []


def test_an_inline_dockerfile_is_hidden_from_copy(context: Path) -> None:
    source = read(str(context), "Dockerfile", "FROM other\n")
    files = sent(source)
    assert files[source.sent_name] == b"FROM other\n"
    # The engine removes what the .dockerignore it receives names.
    assert files[".dockerignore"].split() == [source.sent_name.encode(), b".dockerignore"]


def test_an_excluded_dockerfile_is_usable_and_hidden(context: Path) -> None:
    (context / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
    source = read(str(context), "Dockerfile", None)
    assert set(sent(source)) == {"file", source.sent_name, ".dockerignore"}
    assert {member.path for member in source.members} == {"file"}


def test_the_users_dockerignore_arrives_with_one_line_more(context: Path) -> None:
    (context / ".dockerignore").write_text("Dockerfile\n")
    files = sent(read(str(context), "Dockerfile", None))
    assert files[".dockerignore"] == b"Dockerfile\n\n.dockerfile.trusted.crossbuild\n"


def test_the_dockerfiles_own_dockerignore_wins(context: Path) -> None:
    (context / ".dockerignore").write_text("Dockerfile\n")
    (context / "Dockerfile.dockerignore").write_text("")
    source = read(str(context), "Dockerfile", None)
    assert {member.path for member in source.members} == {
        ".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "file"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "dockerfile", "message"),
    [
        ("nowhere", "Dockerfile", "does not exist"),
        ("file", "Dockerfile", "is not a directory"),
        (".", "Other", "There is no Dockerfile .*Other"),
    ],
)
def test_what_is_missing_is_named(context: Path, path: str, dockerfile: str, message: str) -> None:
    with pytest.raises(CrossbuildError, match=message):
        read(str(context / path), dockerfile, None)


@pytest.fixture
def aged_context(context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The context, seen so much later that its files are remembered, in a cache of its own."""
    monkeypatch.setattr("time.time_ns", lambda now=time.time_ns: now() + 3_000_000_000)
    monkeypatch.setattr(_evidence, "directory", lambda: str(tmp_path.parent / "cache"))
    return context


def remembered(context: Path) -> set[str]:
    reader = _build_source.Reader(str(context), "Dockerfile", None)
    reader.read()
    reader.remember()
    return set(_build_source.Reader(str(context), "Dockerfile", None)._table.load())


def test_the_files_of_a_context_are_remembered(aged_context: Path) -> None:
    assert remembered(aged_context) == {"Dockerfile", "file"}


def test_nothing_is_remembered_of_a_filesystem_that_does_not_tell(
    aged_context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The machine that runs this need not have such a filesystem, nor may it be mounted everywhere.
    monkeypatch.setattr(_build_source, "trusted", lambda *_arguments: False)
    assert remembered(aged_context) == set()


def test_what_was_written_past_the_kernels_notice_is_read_when_it_does_not_fit(aged_context: Path) -> None:
    """A write to memory that is mapped from a file is noted once per page: the next ones leave every time as it was."""
    with (aged_context / "Dockerfile").open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[-2:-1] = memory[-2:-1]
        assert remembered(aged_context) == {"Dockerfile", "file"}
        status = (aged_context / "Dockerfile").stat()
        memory[-2:-1] = b"E"
        assert stamp((aged_context / "Dockerfile").stat()) == stamp(status)
        source = read(str(aged_context), "Dockerfile", None)
    assert source.text == "FROM basE\n"
    assert sent(source)["Dockerfile"] == b"FROM basE\n"


def test_forgotten_files_are_read(aged_context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered(aged_context)
    opened: list[str] = []
    content = Context._content

    def noted(self: Context, path: str, status: os.stat_result) -> str:
        opened.append(path)
        return content(self, path, status)

    monkeypatch.setattr(Context, "_content", noted)
    reader = _build_source.Reader(str(aged_context), "Dockerfile", None)
    reader.read()
    assert opened == []
    reader.forget()
    reader.read()
    assert opened == ["Dockerfile", "file"]


def test_a_syntax_error_names_the_file_and_the_line(context: Path) -> None:
    (context / "Dockerfile").write_text("FROM base\nRUNN x\n")
    with pytest.raises(CrossbuildError, match=r"Dockerfile: .*2"):
        read(str(context), "Dockerfile", None)
