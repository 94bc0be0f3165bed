# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence holds as long as nothing that it is about changes, and a bare Python can tell."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _evidence
from ansible_collections.trusted.crossbuild.plugins.module_utils._cache import Table
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_socket import EngineSocket

ANSWERS = {"/version": {"Version": "20.10"}, "/images/app:1/json": {"Id": "one"}}


class Engine(socketserver.ThreadingUnixStreamServer):
    """In the place of an engine, whose answers are to be changed."""

    def __init__(self, path: Path) -> None:
        self.answers: dict[str, Any] = dict(ANSWERS)
        super().__init__(str(path), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Engine

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_words: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        known = self.server.answers.get(self.path)
        content = json.dumps(known if known else {"message": "no such image"}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "socket") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "context"
    for path in ("below/file", "same", "ignored/file", "out"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("content")
    (root / "link").symlink_to("same")
    (tmp_path / "program").write_text("old")
    return root


@pytest.fixture
def evidence(engine: Engine, root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("WHERE", "here")
    asked = EngineSocket(str(root.parent / "socket"))
    for resource in (*ANSWERS, "/images/base/json"):
        asked.find(resource)
    left_out = ["ignored", "out"]
    files = [str(root.parent / name) for name in ("program", "absent")]
    return {
        "environment": {"WHERE": "here", "NOWHERE": None},
        "files": {path: _evidence.of_file(path)[0] for path in files},
        "tree": {"root": str(root), "left_out": left_out, "digest": _evidence.of_tree(str(root), set(left_out))[0]},
        "socket": asked.path,
        "answers": asked.answers,
    }


def rewrite(path: Path, text: str) -> None:
    """As tools do that keep the times of what they copy."""
    times = path.stat()
    path.write_text(text)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


SAME: list[Callable[[Path], Any]] = [
    lambda root: None,
    lambda root: (root / "ignored/file").write_text("new"),
    lambda root: (root / "ignored/more").write_text("new"),
    lambda root: (root / "out").unlink(),
    lambda root: root.chmod(0o700),
]
OTHER: list[Callable[[Path], Any]] = [
    lambda root: rewrite(root / "same", "CONTENT"),
    lambda root: rewrite(root / "below/file", "CONTENT"),
    lambda root: (root / "below/file").unlink(),
    lambda root: (root / "below/new").mkdir(),
    lambda root: (root / "new").write_text(""),
    lambda root: (root / "same").chmod(0o755),
    lambda root: (root / "below").chmod(0o700),
    lambda root: (root / "same").rename(root / "renamed"),
    lambda root: ((root / "link").unlink(), (root / "link").symlink_to("below")),
    lambda root: root.rename(root.parent / "elsewhere"),
    lambda root: rewrite(root.parent / "program", "new"),
    lambda root: (root.parent / "program").unlink(),
    lambda root: (root.parent / "absent").write_text("now"),
]


@pytest.mark.parametrize("change", SAME)
def test_what_does_not_count_may_change(root: Path, evidence: dict[str, Any], change: Callable[[Path], Any]) -> None:
    change(root)
    assert _evidence.holds(json.loads(json.dumps(evidence)))


@pytest.mark.parametrize("change", OTHER)
def test_what_counts_may_not(root: Path, evidence: dict[str, Any], change: Callable[[Path], Any]) -> None:
    change(root)
    try:
        assert not _evidence.holds(evidence)
    except OSError:
        assert not root.exists()


@pytest.mark.parametrize(("name", "value"), [("WHERE", "there"), ("WHERE", None), ("NOWHERE", "here")])
def test_the_environment_counts(
    evidence: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    assert not _evidence.holds(evidence)


@pytest.mark.parametrize(
    ("resource", "answer"),
    [("/version", {"Version": "26"}), ("/images/app:1/json", None), ("/images/base/json", {"Id": "new"})],
)
def test_what_the_engine_says_counts(evidence: dict[str, Any], engine: Engine, resource: str, answer: Any) -> None:
    engine.answers[resource] = answer
    assert not _evidence.holds(evidence)


def test_an_engine_that_changed_its_mind_meanwhile_is_no_evidence(evidence: dict[str, Any], engine: Engine) -> None:
    asked = EngineSocket(evidence["socket"])
    for identity in ("one", "two"):
        engine.answers["/images/app:1/json"] = {"Id": identity}
        asked.find("/images/app:1/json")
    assert not _evidence.holds({**evidence, "answers": asked.answers})


def test_the_last_change_is_known(root: Path) -> None:
    """Also where something went, of which only its directory tells."""
    before = _evidence.of_tree(str(root), set())[1]
    (root / "below/file").unlink()
    assert _evidence.of_tree(str(root), set())[1] > before
    assert _evidence.of_file(str(root / "same"))[1] == (root / "same").stat().st_ctime_ns


def test_an_answer_is_given_while_its_evidence_holds(
    root: Path, evidence: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = root.parent / "cache"
    monkeypatch.setattr(_evidence, "directory", lambda: str(cache))
    table = Table(_evidence.KIND, "subject")
    table.save({"evidence": json.dumps(evidence), "answer": "nothing"})
    for subject, said in (("subject", "nothing\n"), ("another", "")):
        _evidence.main(subject)
        assert capsys.readouterr().out == said
    (root / "new").touch()
    _evidence.main("subject")
    for damaged in ({"evidence": "{}"}, {"evidence": "{"}, {"answer": "nothing"}):
        table.save(damaged)
        _evidence.main("subject")
    assert capsys.readouterr().out == ""


def test_a_bare_python_runs_it() -> None:
    source = Path(_evidence.__file__).read_text()
    command = [sys.executable, "-I", "-S", "-X", "importtime", "-c", source, "nothing is known of this"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    assert "ansible" not in ran.stderr
