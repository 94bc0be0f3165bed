# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._registry_auth import Challenge, parse


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        ('Basic realm="Registry Realm"', Challenge("basic", {"realm": "Registry Realm"})),
        ("BASIC", Challenge("basic", {})),
        (
            'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
            Challenge(
                "bearer",
                {
                    "realm": "https://auth.example/token",
                    "service": "registry.example",
                    "scope": "repository:a/b:pull,push",
                },
            ),
        ),
        (
            r'bearer Realm=https://auth.example/token , service="a \"b\" \\ c"',
            Challenge("bearer", {"realm": "https://auth.example/token", "service": r'a "b" \ c'}),
        ),
        ("", Challenge("", {})),
    ],
)
def test_challenges(header: str, challenge: Challenge) -> None:
    assert parse(header) == challenge
