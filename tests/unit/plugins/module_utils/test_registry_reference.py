# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._registry_reference import (
    Reference,
    is_loopback,
    parse,
    require_tag,
)

DIGEST = "sha256:" + "5d" * 32


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("registry.example/app", Reference("registry.example", "app")),
        ("registry.example:5000/a/b-c__d.e:1.0", Reference("registry.example:5000", "a/b-c__d.e", "1.0")),
        ("localhost/app", Reference("localhost", "app")),
        ("[::1]:5000/app", Reference("[::1]:5000", "app")),
        (f"127.0.0.1:5000/app:1@{DIGEST}", Reference("127.0.0.1:5000", "app", "1", DIGEST)),
        ("app:latest", Reference("docker.io", "library/app", "latest")),
        ("armbuild/busybox", Reference("docker.io", "armbuild/busybox")),
        ("index.docker.io/busybox", Reference("docker.io", "library/busybox")),
    ],
)
def test_references(text: str, reference: Reference) -> None:
    assert parse(text) == reference
    assert parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "'library/' is no repository"),
        ("registry.example/App", "'App' is no repository"),
        ("registry.example/", "'' is no repository"),
        ("registry.example/a//b", "'a//b' is no repository"),
        ("registry.example/../app", "is no repository"),
        ("registry.example/app:", "'' is no tag"),
        ("registry.example/app:-a", "'-a' is no tag"),
        ("registry.example/app@sha256:12", "'sha256:12' is no digest"),
        ("registry.example/app@", "'' is no digest"),
        ("https://registry.example/app", "'https:' is no registry"),
        ("registry.example:port/app", "'registry.example:port' is no registry"),
    ],
)
def test_what_is_no_reference_is_named(text: str, wrong: str) -> None:
    with pytest.raises(CrossbuildError) as caught:
        parse(text)
    assert repr(text) in str(caught.value)
    assert wrong in str(caught.value)


@given(st.text(alphabet="abAB01:./-_@[]\n ", max_size=30))
def test_any_text_is_refused_or_read_back_as_the_same(text: str) -> None:
    try:
        reference = parse(text)
    except CrossbuildError:
        return
    assert parse(str(reference)) == reference
    # It becomes part of an address: nothing in it may lead elsewhere.
    assert not {"", ".", ".."} & set(reference.repository.split("/"))
    assert not set(str(reference)) & set("\n ?#%")


def test_what_a_registry_is_asked_for() -> None:
    assert parse(f"a.b/c:1@{DIGEST}").identifier == DIGEST
    assert parse("a.b/c:1").identifier == "1"
    assert parse("a.b/c").identifier == "latest"


@pytest.mark.parametrize("tag", ["1", "_", "v1.0-rc_1", "a" * 128])
def test_tags(tag: str) -> None:
    assert require_tag(tag) == tag


@pytest.mark.parametrize("tag", ["", ".a", "-a", "a b", "a/b", "a:b", "a\n", "a" * 129])
def test_what_is_no_tag(tag: str) -> None:
    with pytest.raises(CrossbuildError, match="is no tag"):
        require_tag(tag)


@pytest.mark.parametrize(
    "registry", ["localhost", "localhost:5000", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:5000"]
)
def test_this_host(registry: str) -> None:
    assert is_loopback(registry)


@pytest.mark.parametrize("registry", ["registry.example:5000", "128.0.0.1", "localhost.example", "[::2]:5000"])
def test_other_hosts(registry: str) -> None:
    assert not is_loopback(registry)
