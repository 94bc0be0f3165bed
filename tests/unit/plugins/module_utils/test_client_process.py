# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that builds, with real processes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._client_process import ClientProcess
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError


def shell(script: str, pieces: Iterable[bytes] = (), inherited: tuple[int, ...] = ()) -> ClientProcess:
    return ClientProcess(["sh", "-c", script], {"ADDED": "yes"}, inherited, pieces)


def is_gone(pid: int) -> bool:
    for _attempt in range(100):
        found = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
        if not found or found.startswith("Z"):
            return True
        time.sleep(0.05)
    return False


def test_it_is_fed_and_read_and_its_status_is_known() -> None:
    client = shell("echo $ADDED >&2; echo nobody reads this; wc -c >&2; exit 3", iter([b"x" * 100_000, b"y"]))
    with client:
        assert [line.strip() for line in client.lines()] == ["yes", "100001"]
    assert client.status == 3


def test_it_may_end_before_it_was_fed() -> None:
    with shell("exit 0", iter([b"x" * 10_000_000])) as client:
        assert list(client.lines()) == []
    assert client.status == 0


def test_it_gets_the_descriptors_it_is_given() -> None:
    descriptor = os.memfd_create("secret", 0)
    os.write(descriptor, b"secret")
    with shell(f"cat /proc/self/fd/{descriptor} >&2", inherited=(descriptor,)) as client:
        assert list(client.lines()) == ["secret"]
    os.close(descriptor)


def test_an_exception_ends_it_with_what_it_started() -> None:
    started = time.monotonic()
    with pytest.raises(KeyError), shell("sleep 1000 & echo $! >&2; wait") as client:
        grandchild = int(next(client.lines()))
        raise KeyError
    assert time.monotonic() - started < 60
    assert is_gone(grandchild)


def test_what_it_is_fed_with_may_fail(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise CrossbuildError("it changed")

    whole = tmp_path / "whole"
    command = f"cat > /dev/null && touch {whole}"
    with pytest.raises(CrossbuildError, match="it changed"), shell(command, pieces()) as client:
        list(client.lines())
    assert client.status < 0
    assert not whole.exists()


def test_a_client_that_is_not_there() -> None:
    with pytest.raises(CrossbuildError, match="no-such-client cannot be started"):
        ClientProcess(["no-such-client"], {}, (), iter(())).__enter__()
