# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real emulators of two versions, in packages and in tars."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import NEW, OLD, STORE, Packages, add_backports, make_tar, run, sh


@pytest.fixture(scope="session")
def packages() -> Packages:
    add_backports()
    directory = Path("/var/tmp/packages")
    directory.mkdir(exist_ok=True)
    directory.chmod(0o777)
    for name, release in (
        ("qemu-user-static", "bookworm"),
        ("qemu-user", "bookworm"),
        ("qemu-user", NEW),
        ("qemu-user-static", NEW),
    ):
        wanted = "bookworm-backports" if release == NEW else release
        sh(f"cd {directory}; apt-get -qq download {name}/{wanted}")

    def one(pattern: str) -> Path:
        (found,) = directory.glob(pattern)
        return found

    return Packages(
        old=one(f"qemu-user-static_*{OLD}*.deb"),
        new=one(f"qemu-user_*{NEW}*.deb"),
        dynamic=one(f"qemu-user_*{OLD}*.deb"),
        transitional=one(f"qemu-user-static_*{NEW}*.deb"),
    )


@pytest.fixture(scope="session")
def old(packages: Packages) -> Path:
    """A tar with the emulators for arm and arm64 only, so that tests are quick."""
    return make_tar(Path("/var/tmp/old.tar"), packages.emulator("old"))


@pytest.fixture(scope="session")
def new(packages: Packages) -> Path:
    return make_tar(Path("/var/tmp/new.tar"), packages.emulator("new"))


@pytest.fixture
def clean() -> Iterator[None]:
    """Nothing is there before a test, and its `state: absent` leaves nothing behind."""
    assert not STORE.exists()
    yield
    run(state="absent")
    assert not STORE.parent.exists() or not STORE.exists()
    assert not Path("/var/lib/trusted.crossbuild/qemu_user_static.json").exists()
