# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of an image that come in a list."""

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _image_options
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError


def test_they_get_the_defaults_of_the_module():
    params = _image_options.validated({"name": "app", "path": "/srv", "platforms": ["armhf"], "registry": {}})
    assert set(params) >= set(_image_options.IMAGE_SPEC)
    assert (params["verify"], params["registry"]["timeout"] > 0) == ("programs", True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "app"}, "any of the following are missing: path, dockerfile_inline"),
        ({"path": "/srv"}, "missing required arguments: name"),
        ({"name": "app", "path": "/srv", "verify": "some"}, "value of verify must be one of"),
        ({"name": "app", "path": "/srv", "oder": 1}, "oder. Supported parameters include"),
    ],
)
def test_what_the_module_refuses(given, words):
    with pytest.raises(CrossbuildError, match=words):
        _image_options.validated(given)
