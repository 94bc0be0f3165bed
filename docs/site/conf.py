# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx makes the site. Its pages are put together in build/docs/rst by `make docs`; nothing is asked of a network."""

from __future__ import annotations

from typing import Any

from docutils import nodes

project = html_title = html_short_title = "trusted.crossbuild"
author = copyright = "trusted.crossbuild contributors"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_heading_anchors = 3
nitpicky = True
pygments_style = "ansible"
highlight_language = "YAML+Jinja"

html_theme = "sphinx_ansible_theme"
# What the logo leads to; the theme's own would be the root of the server.
html_theme_options = {"documentation_home_url": "https://github.com/trusted/crossbuild"}
html_copy_source = False
html_show_sphinx = False

_REPOSITORY = "https://github.com/trusted/crossbuild/blob/main/"
_ANSIBLE = "https://docs.ansible.com/ansible/latest/"
# What antsibull-docs refers to in Ansible's own documentation. Its inventory would have to be downloaded.
_OF_ANSIBLE = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
    "list_of_collections": "collections/index.html",
}


def _link_to_files(_app: Any, _page: str, source: list[str]) -> None:
    """What docs/*.md link to outside of docs is no page of the site, but in the repository."""
    source[0] = source[0].replace("](../", f"]({_REPOSITORY}")


def _link_to_ansible(_app: Any, _environment: Any, reference: Any, content: Any) -> Any:
    page = _OF_ANSIBLE.get(reference["reftarget"])
    return page and nodes.reference("", "", content, refuri=_ANSIBLE + page, internal=False)


def setup(app: Any) -> None:
    app.connect("source-read", _link_to_files)
    app.connect("missing-reference", _link_to_ansible)
