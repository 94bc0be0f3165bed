# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An installation that is interrupted, at any point and in any way, leaves the emulator in use as it was."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import (
    CURRENT,
    MODULE,
    NEW,
    OLD,
    STORE,
    Packages,
    changed,
    command,
    from_archive,
    listing,
    refused,
    sh,
    sha256,
    unchanged,
    version_of,
)

pytestmark = pytest.mark.usefixtures("clean")

# The real module, but for one thing: the process kills itself at the n-th call that writes something down for good. No
# signal from outside would hit just these moments.
SUICIDE = f"""
import os, runpy, signal, sys
left = int(sys.argv.pop(1))
def deadly(call):
    def replacement(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return replacement
for name in ("mkdir", "fsync", "rename", "symlink", "unlink", "rmdir", "chmod", "utime"):
    setattr(os, name, deadly(getattr(os, name)))
runpy.run_module({MODULE!r}, run_name="__main__")
"""


def test_killed_at_every_write(old: Path, new: Path) -> None:
    options = from_archive(new)
    seen = set()
    for point in range(1, 200):
        changed(**from_archive(old))
        words, stdin = [sys.executable, "-c", SUICIDE, str(point)], command(options)[1]
        done = subprocess.run(words, input=stdin, text=True, capture_output=True, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
        found = version_of(CURRENT / "qemu-arm-static")
        seen.add(found.partition(".")[0])
        # Not one moment without an emulator, and the next run finishes it.
        result = changed(**options) if found.startswith(OLD) else None
        after = unchanged(**options) if result or listing() == finished(old, new) else changed(**options)
        assert after["emulators"]["arm"]["version"].startswith(NEW)
        assert len(listing()) == 3
        changed(state="absent")
    assert point > 15
    assert seen == {"7", "10"}


def finished(old: Path, new: Path) -> list[str]:
    digests = {sha256(path)[7:19] for path in (old, new)}
    names = [path.name for path in STORE.iterdir() if path.name.partition("-")[2] in digests]
    return sorted([*names, "current"])


def test_killed_after_any_time(old: Path, packages: Packages) -> None:
    changed(**from_archive(old))
    options = from_archive(packages.new)
    words, stdin = command(options)
    killed, delay = 0, 0.2
    while True:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert process.stdin
        process.stdin.write(stdin)
        process.stdin.close()
        try:
            process.wait(timeout=delay)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
        assert version_of(CURRENT / "qemu-arm-static").startswith((OLD, NEW))
        assert sum(name.startswith(".new-") for name in listing()) <= 1
        delay *= 2
    assert killed > 2
    assert unchanged(**options)["emulators"]["arm"]["version"].startswith(NEW)
    assert len(listing()) == 3


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    STORE.parent.mkdir(exist_ok=True)
    sh(f"mount -t tmpfs -o size={size} small {STORE.parent}")
    try:
        yield
    finally:
        sh(f"umount {STORE.parent}; rmdir {STORE.parent}")


def test_disk_full(old: Path, new: Path, packages: Packages) -> None:
    needed = old.stat().st_size + new.stat().st_size
    with small_disk(needed + 2**20):
        first = changed(**from_archive(old))
        filler = STORE.parent / "filler"
        filler.write_bytes(bytes(new.stat().st_size // 2))
        refused("No space is left", "as they were", **from_archive(new))
        assert version_of(CURRENT / "qemu-arm-static").startswith(OLD)
        assert listing() == [first["current"], "current"]
        assert unchanged(**from_archive(old))["current"] == first["current"]
        # A package has to be taken apart first, which does not fit either.
        refused("No space is left", **from_archive(packages.new))
        assert listing() == [first["current"], "current"]
        filler.unlink()
        assert changed(**from_archive(new))["emulators"]["arm"]["version"].startswith(NEW)
        changed(state="absent")


def test_what_was_left_on_a_full_disk_makes_room(old: Path, new: Path) -> None:
    needed = old.stat().st_size + new.stat().st_size
    with small_disk(needed + 2**20):
        changed(**from_archive(old))
        left = STORE / ".new-killed"
        left.mkdir()
        (left / "download").write_bytes(bytes(new.stat().st_size // 2))
        changed(**from_archive(new))
        assert ".new-killed" not in listing()
        changed(state="absent")


class Server(http.server.BaseHTTPRequestHandler):
    """Sends the file; only half of it, and hangs up, where the path says so."""

    content = b""
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if "missing" in self.path:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content[: len(self.content) // 2] if "half" in self.path else self.content)
        return None

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def server(new: Path) -> Iterator[str]:
    Server.content = new.read_bytes()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_network(old: Path, new: Path, server: str) -> None:
    first = changed(**from_archive(old))

    def fetched(path: str, checksum: str) -> dict[str, str]:
        return {"source": "archive", "archive": f"{server}/{path}", "checksum": checksum}

    refused("the connection ended after", "bytes", **fetched("half.tar", sha256(new)))
    refused("404", **fetched("missing.tar", sha256(new)))
    refused("cannot be fetched", source="archive", archive="http://127.0.0.1:9/new.tar", checksum=sha256(new))
    refused(f"has the checksum {sha256(new)}, and {sha256(old)[:-1]}", **fetched("new.tar", sha256(old)[:-1] + "0"))
    assert listing() == [first["current"], "current"]
    assert version_of(CURRENT / "qemu-arm-static").startswith(OLD)

    second = changed(**fetched("new.tar", sha256(new)))
    assert (second["previous"], len(listing())) == (first["current"], 3)
    Server.asked.clear()
    unchanged(**fetched("new.tar", sha256(new)))
    assert Server.asked == []


def test_a_proxy_is_used(new: Path, server: str) -> None:
    url = "http://mirror.invalid/new.tar"
    options = {"source": "archive", "archive": url, "checksum": sha256(new)}
    changed(**options, environment={"http_proxy": server, "no_proxy": ""})
    assert Server.asked[-1] == url


def test_truncated_with_the_right_checksum(old: Path, packages: Packages, tmp_path: Path) -> None:
    changed(**from_archive(old))
    for whole in (old, packages.new):
        cut = tmp_path / f"cut-{whole.name}"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
        refused("damaged", **from_archive(cut))
    assert version_of(CURRENT / "qemu-arm-static").startswith(OLD)
    assert len(listing()) == 2


def test_two_at_a_time(old: Path, new: Path) -> None:
    words = [command(from_archive(path)) for path in (old, new, old, new)]
    started = [
        subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for line, _stdin in words
    ]
    results = [process.communicate(stdin)[0] for process, (_line, stdin) in zip(started, words, strict=True)]
    assert [process.returncode for process in started] == [0] * 4, results
    assert len(listing()) == 3
    assert os.readlink(CURRENT) in listing()
    assert time.time() - CURRENT.lstat().st_mtime < 600
