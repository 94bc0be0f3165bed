# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages by apt: versions and releases, somebody else's lock, and a dpkg that was killed."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import NEW, OLD, Packages, changed, command, from_archive, refused, run, sh, unchanged, version_of

RECEIPT = Path("/var/lib/trusted.crossbuild/qemu_user_static.json")
# The release also has an older one, in its security archive.
OLDER = "1:7.2+dfsg-7+deb12u15"
BACKPORTS = {"default_release": "bookworm-backports"}


def versions() -> dict[str, str]:
    """Installed packages of QEMU."""
    listed = sh("dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'")
    rows = [line.split() for line in listed.splitlines()]
    return {name: version for name, version, *status in rows if "qemu" in name and status == ["installed"]}


@pytest.fixture(autouse=True)
def nothing_installed(packages: Packages) -> Iterator[None]:
    before = sh("dpkg-query --show")
    assert versions() == {}
    yield
    run(state="absent")
    sh(
        "apt-get -qq purge -y qemu-user-static qemu-user qemu-user-binfmt >/dev/null 2>&1; apt-get -qq autoremove -y --purge"
    )
    assert sh("dpkg-query --show") == before
    assert not RECEIPT.exists()


def test_versions() -> None:
    planned = run(check=True, version=OLDER)
    assert planned["actions"] == [f"install the static QEMU user-mode emulators, version {OLDER}"]
    assert "packages: none" in planned["diff"]["before"]
    changed(version=OLDER)
    assert versions() == {"qemu-user-static": OLDER}
    unchanged(version=OLDER)
    unchanged(version="7.2")
    unchanged()
    refused("They offer", OLDER, version="9.9")

    # Up into the backports, where other packages have the programs, and down again.
    result = changed(version=NEW)
    assert result["emulators"]["arm"]["path"] == "/usr/bin/qemu-arm"
    assert result["emulators"]["arm"]["version"].startswith(NEW)
    assert {"qemu-user", "qemu-user-binfmt"} <= set(versions())
    unchanged(version=NEW)
    changed(version="7.2")
    assert list(versions()) == ["qemu-user-static"]
    assert changed(state="absent")["actions"] == ["remove qemu-user-static"]
    assert versions() == {}


def test_a_release() -> None:
    refused("know no release 'nonsense'", "sources.list.d", default_release="nonsense")
    changed(**BACKPORTS)
    assert {version.partition("+")[0] for version in versions().values()} == {"1:10.0.2"}
    assert set(versions()) == {"qemu-user", "qemu-user-binfmt"}
    # By the record: neither network nor lists are needed.
    sh("mv /var/lib/apt/lists /var/lib/apt/hidden")
    try:
        unchanged(**BACKPORTS)
        unchanged(**BACKPORTS, version=NEW)
    finally:
        sh("rm -rf /var/lib/apt/lists; mv /var/lib/apt/hidden /var/lib/apt/lists")
    # Without the record: by what the lists say.
    record = json.loads(RECEIPT.read_text())
    RECEIPT.write_text(json.dumps({key: value for key, value in record.items() if key != "release"}))
    unchanged(**BACKPORTS)
    changed(state="absent")
    assert versions() == {}


def test_somebody_elses_package() -> None:
    sh(f"apt-get -qq install -y --no-install-recommends qemu-user-static={OLDER} >/dev/null")
    unchanged()
    unchanged(state="absent")
    changed(version="1:7.2+dfsg-7+deb12u18")
    words = str(changed(state="absent")["warnings"])
    assert "qemu-user-static was on this host before" in words
    assert OLDER in words
    unchanged(state="absent")

    # The backports' qemu-user-static needs the two that came with it.
    changed(**BACKPORTS)
    refused("qemu-user, qemu-user-binfmt stay installed", "qemu-user-static was on this host before", state="absent")
    unchanged(state="absent")
    assert set(versions()) == {"qemu-user", "qemu-user-binfmt", "qemu-user-static"}


def test_dynamic_emulators_do_not_do() -> None:
    sh("apt-get -qq install -y --no-install-recommends qemu-user >/dev/null")
    assert "aarch64: /usr/bin/qemu-aarch64, dynamic" in run(check=True)["diff"]["before"]
    changed()
    assert "qemu-user-static" in versions()


def test_an_archive_goes_before_packages(packages: Packages) -> None:
    changed(**from_archive(packages.old))
    refused("are used first", version="7.2")
    unchanged()


@pytest.mark.parametrize("lock", ["/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"])
def test_a_lock_that_is_held(lock: str) -> None:
    with open(lock, "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        started = time.monotonic()
        refused("apt-get is locked", f"process {os.getpid()} (", "pytest", lock_timeout=3)
        assert 3 <= time.monotonic() - started < 60
    assert versions() == {}


def test_a_lock_that_is_let_go() -> None:
    with open("/var/lib/dpkg/lock-frontend", "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        words, stdin = command({})
        waiting = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.communicate(stdin, timeout=5)
    assert json.loads(waiting.communicate()[0])["changed"]


def kill_while_installing(moment: str) -> None:
    """Kills the module, apt and dpkg together at that moment, while the package is not installed yet.

    On a busy machine dpkg may be done before the signal is there. Then it is tried again.
    """
    for _attempt in range(20):
        kill_at(moment)
        if "qemu-user-static" not in versions():
            return
        changed(state="absent")
    raise AssertionError(f"dpkg was never caught at {moment}")


def kill_at(moment: str) -> None:
    """Kills them as soon as dpkg's log tells of that moment."""
    log = Path("/var/log/dpkg.log")
    seen = log.stat().st_size if log.exists() else 0
    words, stdin = command({})
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True
    )
    assert process.stdin
    process.stdin.write(stdin)
    process.stdin.close()
    while moment not in (log.read_text()[seen:] if log.exists() else ""):
        assert process.poll() is None
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("moment", ["status half-installed qemu-user-static", "status unpacked qemu-user-static"])
def test_killed_while_dpkg_works(moment: str) -> None:
    kill_while_installing(moment)
    assert "pending" in json.loads(RECEIPT.read_text())
    result = changed()
    assert "interrupted" in result["actions"][0]
    assert version_of(Path("/usr/bin/qemu-arm-static")).startswith(OLD)
    assert sh("dpkg --audit") == ""
    unchanged()
    assert changed(state="absent")["actions"] == ["remove qemu-user-static"]


def leave_journal() -> None:
    """What dpkg leaves where it is killed a moment later: unpacked but not to be relied on, and noted in its journal only."""
    sh("""
        apt-cache show --no-all-versions qemu-user-static \
            | grep -E '^(Package|Version|Architecture|Maintainer|Description):' \
            | sed '/^Package:/a Status: install reinstreq unpacked' > /var/lib/dpkg/updates/0000
    """)


def test_killed_before_dpkg_closed_its_journal() -> None:
    kill_while_installing("status half-installed qemu-user-static")
    leave_journal()
    changed()
    assert sh("dpkg --audit") == ""
    assert versions() != {}
    changed(state="absent")


@pytest.mark.parametrize("journal", [False, True])
def test_killed_and_then_not_wanted_any_more(journal: bool) -> None:
    kill_while_installing("status half-installed qemu-user-static")
    if journal:
        leave_journal()
    changed(state="absent")
    assert versions() == {}
    assert sh("dpkg --audit") == ""
