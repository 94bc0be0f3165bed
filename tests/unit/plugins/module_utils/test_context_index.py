# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which filesystems tell of every change."""

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _mounts
from ansible_collections.trusted.crossbuild.plugins.module_utils._context_index import trusted


def mounts(*points: str) -> list[_mounts.Mount]:
    """From words such as ``/srv:ext4``, in the order in which they were made."""
    lines = (
        "22 1 8:{} / {} rw,relatime shared:1 - {} /dev/sda rw".format(number, *point.split(":"))
        for number, point in enumerate(points)
    )
    return _mounts.parse("\n".join(lines))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (["/:ext4"], True),
        (["/:overlay", "/srv/app:xfs", "/srv/app/data:tmpfs"], True),
        (["/:ext4", "/srv:vfat"], False),
        (["/:vfat", "/srv:ext4"], True),
        (["/:ext4", "/srv/app:fuse.sshfs"], False),
        (["/:ext4", "/srv/app/below:nfs4"], False),
        (["/:ext4", "/srv/application:nfs4", "/srv/ap:nfs4"], True),
        (["/:ext4", "/srv/app:vfat", "/srv/app:ext4"], True),
        (["/:ext4", "/srv:ext4", "/srv:vfat"], False),
        (["/:ext4", "/srv/app:unheard-of"], False),
        # A root that an initial RAM disk moved into its place.
        (["/srv:nfs4", "/:ext4"], False),
        ([], False),
    ],
)
def test_where_a_change_is_sure_to_be_told(points: list[str], expected: bool) -> None:
    assert trusted("/srv/app", mounts(*points)) is expected


def test_the_whole_tree_may_be_the_context() -> None:
    assert trusted("/", mounts("/:ext4"))
    assert not trusted("/", mounts("/:ext4", "/proc:proc"))
