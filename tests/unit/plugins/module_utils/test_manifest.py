# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._manifest import (
    DOCKER_IMAGE,
    DOCKER_LIST,
    OCI_IMAGE,
    OCI_INDEX,
    Manifest,
    Part,
    is_ours,
    join,
    platform_of,
    require_distinct,
    select,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform, everything, parse


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def image(number: int, media_type: str = DOCKER_IMAGE) -> Manifest:
    content = {
        "mediaType": media_type,
        "config": {"mediaType": "c", "digest": digest(number)},
        "layers": [{"mediaType": "l", "digest": digest(one)} for one in (1, 2, 1)],
    }
    return Manifest.read(media_type, json.dumps(content).encode())


def part(platform: str, number: int = 0, media_type: str = DOCKER_IMAGE) -> Part:
    return Part(f"app:{platform}", "app", image(number, media_type), parse(platform))


parts = st.lists(
    st.tuples(st.sampled_from([str(platform) for platform in everything()] + ["arm/v5", "arm/v6", "amd64/v3"]),
              st.integers(0, 3), st.sampled_from([DOCKER_IMAGE, OCI_IMAGE])),
    unique_by=lambda one: one[0], min_size=1,
)  # fmt: skip


@given(parts, st.randoms(), st.dictionaries(st.text(), st.text(), max_size=2))
def test_the_same_parts_make_the_same_bytes_in_any_order(drawn: Any, random: Any, annotations: dict[str, str]) -> None:
    made = [part(*one) for one in drawn]
    index = join(made, annotations)
    random.shuffle(made)
    assert join(made, annotations) == index
    read = Manifest.read(index.media_type, index.content)
    assert is_ours(read)
    assert {entry.platform: entry.digest for entry in read.entries} == {
        str(one.platform): one.manifest.digest for one in made
    }
    assert {one["size"] for one in read.parsed["manifests"]} == {len(one.manifest.content) for one in made}
    only_docker = all(one.manifest.media_type == DOCKER_IMAGE for one in made)
    assert read.media_type == (DOCKER_LIST if only_docker and not annotations else OCI_INDEX)
    assert read.parsed.get("annotations", {}) == annotations


def test_the_newest_variant_comes_first() -> None:
    index = join([part(name) for name in ("arm/v5", "amd64", "arm/v7", "arm/v6", "amd64/v3")], {})
    assert [entry.platform for entry in index.entries] == [
        "linux/amd64/v3", "linux/amd64", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5",
    ]  # fmt: skip


def test_the_bytes_of_a_list_stay_what_they_are() -> None:
    # A change of these bytes makes every tag in every registry "changed", and unknown to state: absent.
    descriptor = (
        f'{{"digest":"{image(0).digest}","mediaType":"{DOCKER_IMAGE}",'
        f'"platform":{{"architecture":"arm","os":"linux","variant":"v7"}},"size":{len(image(0).content)}}}'
    )
    expected = f'{{"manifests":[{descriptor}],"mediaType":"{DOCKER_LIST}","schemaVersion":2}}'
    assert join([part("armhf")], {}).content.decode() == expected


@pytest.mark.parametrize("options", [{"indent": 3}, {}, {"separators": (",", ":")}])
def test_the_bytes_of_other_programs_are_not_ours(options: dict[str, Any]) -> None:
    index = join([part("armhf")], {})
    # The order of Go's structures.
    turned = {name: index.parsed[name] for name in ("schemaVersion", "mediaType", "manifests")}
    assert not is_ours(Manifest.read(index.media_type, json.dumps(turned, **options).encode()))
    assert not is_ours(image(1))


def test_attestations_stay_with_their_images() -> None:
    subject = part("arm64", 1, OCI_IMAGE)
    notes = {
        "vnd.docker.reference.digest": subject.manifest.digest,
        "vnd.docker.reference.type": "attestation-manifest",
    }
    attestation = Part("app", "app", image(2, OCI_IMAGE), None, notes)
    index = join([attestation, subject], {})
    assert [entry.platform for entry in index.entries] == ["linux/arm64", "unknown/unknown"]
    assert [entry.attests for entry in index.entries] == ["", subject.manifest.digest]
    require_distinct([subject, attestation, attestation])
    assert [str(platform) for _entry, platform in select(index, None)] == ["linux/arm64"]


def test_two_images_for_one_platform_are_both_named() -> None:
    one, other = part("armhf", 1), Part("other:1", "other", image(2), parse("armv7l"))
    with pytest.raises(CrossbuildError, match="Both app:armhf and other:1 are for linux/arm/v7"):
        require_distinct([one, part("arm64"), other])


def test_an_index_gives_all_of_its_images_or_one() -> None:
    index = join([part("armhf", 1), part("arm64", 2)], {})
    assert [platform for _entry, platform in select(index, None)] == [parse("armhf"), parse("arm64")]
    assert [entry.digest for entry, _platform in select(index, parse("arm64"))] == [image(2).digest]
    with pytest.raises(CrossbuildError, match="without linux/s390x: it lists linux/arm/v7, linux/arm64"):
        select(index, parse("s390x"))
    with pytest.raises(CrossbuildError, match="without any image"):
        select(join([], {}), None)


def test_a_platform_that_is_unknown_here_is_in_the_way_only_where_all_are_asked_for() -> None:
    content = join([part("arm64")], {}).parsed
    content["manifests"].append({**content["manifests"][0], "platform": {"os": "windows", "architecture": "amd64"}})
    index = Manifest.read(DOCKER_LIST, json.dumps(content).encode())
    assert [platform for _entry, platform in select(index, parse("arm64"))] == [parse("arm64")]
    with pytest.raises(CrossbuildError, match="'windows/amd64'"):
        select(index, None)


def test_an_index_of_indexes_is_refused() -> None:
    content = join([part("arm64")], {}).parsed
    content["manifests"][0]["mediaType"] = OCI_INDEX
    with pytest.raises(CrossbuildError, match="index of indexes"):
        select(Manifest.read(DOCKER_LIST, json.dumps(content).encode()), None)


@pytest.mark.parametrize(
    ("config", "stated", "platform"),
    [
        ({"os": "linux", "architecture": "arm", "variant": "v6"}, None, "linux/arm/v6"),
        ({"os": "linux", "architecture": "arm"}, None, "linux/arm/v7"),
        ({"os": "linux", "architecture": "arm", "variant": ""}, "armel", "linux/arm/v5"),
        ({"os": "linux", "architecture": "arm64", "variant": "v8"}, "arm64", "linux/arm64"),
        ({"os": "linux", "architecture": "amd64"}, "amd64/v3", "linux/amd64/v3"),
    ],
)
def test_the_configuration_says_the_platform(config: dict[str, str], stated: str | None, platform: str) -> None:
    assert str(platform_of(json.dumps(config).encode(), parse(stated) if stated else None)) == platform


@pytest.mark.parametrize(
    ("config", "stated", "words"),
    [
        (
            b'{"os": "linux", "architecture": "arm", "variant": "v6"}',
            "arm/v7",
            "for linux/arm/v6, not for linux/arm/v7",
        ),
        (b'{"os": "linux", "architecture": "arm"}', "arm64", "for linux/arm/v7, not for linux/arm64"),
        (b'{"os": "linux", "architecture": "m68k"}', None, "Unknown platform 'linux/m68k'"),
        (b"{}", "armhf", "says no platform"),
        (b"[]", None, "says no platform"),
        (b"a chart", None, "says no platform"),
    ],
)
def test_a_configuration_that_says_another_one_or_none(config: bytes, stated: str | None, words: str) -> None:
    with pytest.raises(CrossbuildError, match=words):
        platform_of(config, parse(stated) if stated else None)


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", b"{}"),
        (DOCKER_IMAGE, b"no JSON"),
        (DOCKER_IMAGE, b"[]"),
        (DOCKER_IMAGE, b"{}"),
        (DOCKER_LIST, image(1).content),
        (OCI_IMAGE, image(1).content),
        (DOCKER_LIST, b'{"manifests": [{"digest": "sha512:00", "mediaType": "a"}]}'),
        (DOCKER_LIST, b'{"manifests": [{"digest": "sha256:../../x", "mediaType": "a"}]}'),
        (DOCKER_LIST, b'{"manifests": [null]}'),
        (DOCKER_LIST, b'{"manifests": [{"digest": "%s", "mediaType": "a", "platform": "b"}]}' % digest(1).encode()),
        (DOCKER_LIST, b'{"manifests": [{"digest": "%s"}]}' % digest(1).encode()),
    ],
)
def test_what_is_no_manifest_is_refused(media_type: str, content: bytes) -> None:
    with pytest.raises(CrossbuildError, match="cannot be used"):
        Manifest.read(media_type, content)


json_values = st.recursive(
    st.none() | st.text() | st.integers() | st.just(digest(1)),
    lambda value: st.lists(value, max_size=3) | st.dictionaries(
        st.sampled_from(["manifests", "config", "layers", "digest", "mediaType", "platform"]), value, max_size=4
    ),
)  # fmt: skip


@given(json_values, st.sampled_from([DOCKER_IMAGE, DOCKER_LIST]))
def test_any_json_is_refused_or_can_be_used(value: Any, media_type: str) -> None:
    try:
        manifest = Manifest.read(media_type, json.dumps(value).encode())
    except CrossbuildError:
        return
    digests = [entry.digest for entry in manifest.entries] if manifest.is_index else manifest.blob_digests
    assert set(digests) <= {digest(1)}


def test_an_image_s_blobs_come_once_each() -> None:
    assert image(7).config_digest == digest(7)
    assert image(7).blob_digests == [digest(7), digest(1), digest(2)]


def test_a_platform_has_its_name_in_an_entry() -> None:
    assert part("arm64").descriptor()["platform"] == {"architecture": "arm64", "os": "linux"}
    assert Platform("arm", "v7") == parse(join([part("armhf")], {}).entries[0].platform)
