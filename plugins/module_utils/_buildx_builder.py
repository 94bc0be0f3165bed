# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A builder of buildx, made what is asked for."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from . import _buildx_instance, _buildx_nodes, _buildx_plugin, _command
from ._buildx_instance import Instance
from ._converge import Plan, Step, converge
from ._errors import CrossbuildError


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.buildx_builder."""
    name = _buildx_instance.builder_name(params["name"])
    wanted = None
    if params["state"] == "present":
        wanted = _buildx_instance.wanted(name, params["driver"], params["nodes"] or [])
    return converge(partial(_plan, name, wanted), check_mode)


def _plan(name: str, wanted: Instance | None) -> Plan:
    found = _buildx_nodes.recorded(name)
    plan = Plan(
        before=found.lines() if found else [f"builder: no {name}"],
        after=wanted.lines() if wanted else [f"builder: no {name}"],
        result={"builder": found.described() if found else None},
    )
    if plan.before == plan.after:
        return plan
    if found:
        plan.steps.append(
            Step(f"remove the builder {name} of {len(found.nodes)} nodes", partial(_remove, found, wanted))
        )
    if wanted:
        for index, node in enumerate(wanted.nodes):
            plan.steps.append(Step(f"give the builder {name} the node {node.words()}", partial(_create, wanted, index)))
    return plan


def _create(wanted: Instance, index: int) -> None:
    _require_buildx()
    _command.require(["docker", "buildx", *wanted.creation(index)])


def _remove(found: Instance, wanted: Instance | None) -> None:
    """What is built already is kept for the builder that takes its place."""
    _require_buildx()
    keep = ["--keep-state"] if wanted else []
    keep += ["--keep-daemon"] if wanted and wanted.keeps_daemons_of(found) else []
    done = _command.run(["docker", "buildx", "rm", *keep, found.name])
    # Of a node that is gone it says that it could not stop it, and has removed the builder all the same.
    if done.returncode != 0 and os.path.exists(_buildx_nodes.path(found.name)):
        raise CrossbuildError(
            f"docker buildx rm {found.name} ended with status {done.returncode} and said: {_command.tail(done.stderr)}"
        )


def _require_buildx() -> None:
    problem = _buildx_plugin.missing()
    if problem:
        raise CrossbuildError(
            f"buildx cannot be used: {problem}. The role trusted.crossbuild.docker_engine brings it with docker_engine_buildx."
        )
