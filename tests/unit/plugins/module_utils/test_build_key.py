# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The build key: equal for equal inputs, and able to say what differs."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._build_key import KEY_LABEL, PARTS_LABEL, build_key

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["args", "context", "target", "base"]), JSON))
def test_equal_inputs_give_the_same_key_in_any_order(inputs: dict) -> None:
    again = build_key(**dict(reversed(inputs.items())))
    assert build_key(**inputs).digest == again.digest
    assert again.differences(build_key(**inputs).labels()) == []


@given(JSON, JSON)
def test_unequal_inputs_give_another_key_and_are_named(one: object, other: object) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    left, right = build_key(args=one, target="x"), build_key(args=other, target="x")
    assert (left.digest == right.digest) == same
    assert left.differences(right.labels()) == ([] if same else ["args"])


def test_names_that_are_not_utf_8_have_a_key() -> None:
    assert build_key(context={"\udcff": []}).digest != build_key(context={"\udcfe": []}).digest


def test_an_image_without_readable_labels_differs_in_everything() -> None:
    key = build_key(args={}, target=None)
    for labels in ({}, {PARTS_LABEL: "{"}, {PARTS_LABEL: "[]"}):
        assert key.differences(labels) == ["args", "target"]


def test_an_input_that_came_or_went_is_named() -> None:
    assert build_key(args={}).differences(build_key(args={}, secrets=[]).labels()) == ["secrets"]


def test_the_labels_carry_the_key() -> None:
    key = build_key(args={})
    assert key.labels()[KEY_LABEL] == key.digest
    assert key.digest.startswith("sha256:")
