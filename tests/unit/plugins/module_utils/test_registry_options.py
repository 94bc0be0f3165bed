# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._image_options import IMAGE_SPEC
from ansible_collections.trusted.crossbuild.plugins.modules import docker_manifest, ledger_build_info, ledger_info

SPECS = {
    "docker_image": IMAGE_SPEC,
    **{module.__name__: module.ARGUMENT_SPEC for module in (docker_manifest, ledger_build_info, ledger_info)},
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_no_module_writes_a_registrys_password_to_logs(spec):
    options = spec["registry"]["options"] if "registry" in spec else spec
    assert options["password"]["no_log"] is True
