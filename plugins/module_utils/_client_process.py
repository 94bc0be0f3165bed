# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that builds: fed with the context, read line by line, and ended for sure."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import threading
from typing import Iterable, Iterator, Sequence, cast

from ._errors import CrossbuildError


class ClientProcess:
    """A command, within a ``with``: what is left of it at the end of that by an exception is killed.

    ``pieces`` go to its standard input meanwhile, and ``lines`` come from its standard error. ``inherited`` are
    descriptors that it gets. An exception from the pieces ends it, and is raised at the end. ``status`` is known then.
    """

    def __init__(
        self, command: Sequence[str], env: dict[str, str], inherited: Sequence[int], pieces: Iterable[bytes]
    ) -> None:
        self._command = command
        self._env = {**os.environ, **env}
        self._inherited = inherited
        self._pieces = pieces
        self._problem: BaseException | None = None
        self.status = 0

    def __enter__(self) -> ClientProcess:
        try:
            # Read line by line while it runs, which AnsibleModule.run_command does not do.
            # A session of its own is a group of its own: the plugin that the client starts is in it.
            self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                self._command,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=self._inherited,
                start_new_session=True,
            )
        except OSError as exc:
            raise CrossbuildError(f"{self._command[0]} cannot be started: {exc.strerror}.") from exc
        self._stdin = cast(io.BufferedWriter, self._process.stdin)
        self._stderr = io.TextIOWrapper(
            cast(io.BufferedReader, self._process.stderr), encoding="utf-8", errors="replace"
        )
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()
        return self

    def lines(self) -> Iterator[str]:
        return self._stderr

    def __exit__(self, kind: type[BaseException] | None, _exception: object, _traceback: object) -> None:
        if kind:
            self._kill()
        self.status = self._process.wait()
        self._feeder.join()
        self._stderr.close()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        if self._problem:
            raise self._problem

    def _feed(self) -> None:
        try:
            for piece in self._pieces:
                self._stdin.write(piece)
            self._stdin.close()
        except BrokenPipeError:
            return  # It has ended before, and its status says why.
        except BaseException as exc:
            self._problem = exc  # for the other thread
            # Not closed first: half a context must not look like a whole one.
            self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
