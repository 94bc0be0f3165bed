# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work that goes on in a second process. Real processes: what matters is what they leave to each other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _background
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

# What a module does, without Ansible.
PROGRAM = """
import sys, time
from ansible_collections.trusted.crossbuild.plugins.module_utils import _background
jobs, seconds, _background._LONGEST, telling = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
job = _background.start(jobs)
if telling:
    open(_background.progress(job), "w").write("something")
time.sleep(seconds)
print("answer" if job else "without a job")
print("more", file=sys.stderr)
sys.exit(3)
"""
COLLECTIONS = Path(_background.__file__).parents[5]


def run(jobs: Path, seconds: float, *telling: str, longest: float = 1000) -> tuple[str, str]:
    """Standard output and error of the first process; both ends of its pipes were closed then."""
    arguments = [sys.executable, "-c", PROGRAM, str(jobs), str(seconds), str(longest), *telling]
    environment = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False, timeout=60)
    return done.stdout, done.stderr


def wait(job: str) -> subprocess.CompletedProcess[str]:
    code = f"from ansible_collections.trusted.crossbuild.plugins.module_utils import _background; _background.wait({job!r})"
    environment = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


def pid(job: str) -> int:
    return int(Path(job, "running").read_text().split()[0])


def test_what_is_soon_done_without_a_word_is_answered_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, 0) == ("answer\n", "more\n")
    assert list(tmp_path.iterdir()) == []


def test_what_has_nothing_to_tell_is_waited_for(tmp_path: Path) -> None:
    assert run(tmp_path, 1)[0] == "answer\n"


def test_but_not_for_ever(tmp_path: Path) -> None:
    job = json.loads(run(tmp_path, 50, longest=0.5)[0])["_crossbuild_job"]
    os.kill(pid(job), signal.SIGKILL)


def test_what_it_told_can_be_followed_however_soon_it_was_done(tmp_path: Path) -> None:
    job = json.loads(run(tmp_path, 0, "telling")[0])["_crossbuild_job"]
    assert Path(_background.progress(job)).read_text() == "something"
    assert wait(job).stdout == "answer\n"
    assert sorted(os.listdir(job)) == ["done", "progress", "stderr", "stdout"]


def test_what_tells_something_goes_on_by_itself(tmp_path: Path) -> None:
    answer, error = run(tmp_path, 5, "telling")
    job = json.loads(answer)["_crossbuild_job"]
    assert (Path(job).parent, error) == (tmp_path, "")
    assert os.getsid(pid(job)) == pid(job)  # it runs, in a session of its own
    assert Path(job).stat().st_mode & 0o777 == 0o700
    assert Path(job, "stdout").stat().st_blocks * 512 >= _background._ANSWER, "also on a disk that is full then"
    done = wait(job)
    assert (done.stdout, done.stderr) == ("answer\n", "more\n")


def test_one_that_was_killed_has_no_answer(tmp_path: Path) -> None:
    job = json.loads(run(tmp_path, 60, "telling")[0])["_crossbuild_job"]
    os.kill(pid(job), signal.SIGKILL)
    with pytest.raises(CrossbuildError, match="ended without an answer"):
        _background.wait(job)


def test_the_number_of_another_process_is_not_the_job(tmp_path: Path) -> None:
    (tmp_path / "running").write_text(f"{os.getpid()} 1")
    with pytest.raises(CrossbuildError, match="ended without an answer"):
        _background.wait(str(tmp_path))


def test_a_zombie_does_not_run() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert _background._started(child.pid) == ""


def test_where_no_job_can_be_made_it_runs_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert run(tmp_path / "file", 0)[0] == "without a job\n"


def test_forgotten_jobs_go_when_another_begins(tmp_path: Path) -> None:
    for name in ("crossbuild-old", "crossbuild-new", "crossbuild-runs", "j123.456"):
        (tmp_path / name).mkdir()
    running = tmp_path / "crossbuild-runs/running"
    running.write_text(f"{os.getpid()} {_background._started(os.getpid())}")
    for name in ("crossbuild-old", "crossbuild-runs", "j123.456"):
        os.utime(tmp_path / name, (0, 0))
    run(tmp_path, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crossbuild-new", "crossbuild-runs", "j123.456"]


def test_those_of_another_user_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crossbuild-old").mkdir()
    os.utime(tmp_path / "crossbuild-old", (0, 0))
    user = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: user + 1)
    _background._sweep(str(tmp_path))
    assert (tmp_path / "crossbuild-old").exists()
