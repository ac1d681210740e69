# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Settings of the documentation site, which tools/docs builds."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes

PROJECT = Path(os.environ["UID_MEM_PROJECT"])
GALAXY = yaml.safe_load((PROJECT / "galaxy.yml").read_text(encoding="utf-8"))
REPOSITORY = GALAXY["repository"]
ANSIBLE = "https://docs.ansible.com/ansible/latest/"
# What the pages of modules and plugins refer to there, as antsibull-docs makes them.
ANSIBLE_PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "collections_keyword": "collections_guide/collections_using_playbooks.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}

project = "devfleet.uid_mem"
author = "The uid_mem authors"
copyright = "2026 The uid_mem authors"  # noqa: A001
version = release = GALAXY["version"]

extensions = ["myst_parser", "sphinx_antsibull_ext", "sphinx_copybutton"]
exclude_patterns = ["site"]

# Headings can be linked to as on GitHub.
myst_heading_anchors = 3
# Words that a highlighter does not know, in the languages of the code blocks.
highlight_language = "text"
# A prompt and what a command answers are not copied.
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = f"uid_mem {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"source_repository": REPOSITORY, "source_branch": "main", "source_directory": "docs/"}

linkcheck_retries = 2
linkcheck_timeout = 20
# The project's own files, which link_to_repository has looked for.
linkcheck_ignore = [rf"{re.escape(REPOSITORY)}.*"]


def add_contents(app: Any, docname: str, source: list[str]) -> None:
    """Make the navigation of the lists of pages that index has under its headings."""
    if docname != "index":
        return
    parts = re.split(r"^## (.*)\n", source[0], flags=re.M)
    contents = [parts[0]]
    listed: set[str] = set()
    for caption, text in zip(parts[1::2], parts[2::2], strict=True):
        pages = [page for page in dict.fromkeys(re.findall(r"\]\(([\w-]+)\.md\)", text)) if page not in listed]
        listed.update(pages)
        if pages:
            tree = "\n".join(pages)
            contents.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{tree}\n```\n\n")
        contents.append(f"## {caption}\n{text}")
    reference = "Modules, plugins and roles"
    contents.append(f"```{{toctree}}\n:hidden:\n:caption: Reference\n\n{reference} <collection/index>\n```\n")
    source[0] = "".join(contents)


def link_to_repository(app: Any, docname: str, source: list[str]) -> None:
    """Have links to files outside of docs/ lead to the repository. One that leads nowhere stays, which is an error."""
    source[0] = re.sub(r"(?<=\]\()\.\./([^)#]+)", lambda link: address_of(link[1]) or link[0], source[0])


def show_titles(app: Any, docname: str, source: list[str]) -> None:
    """Have a link whose text is the name of a file, as on GitHub, show the title of the page or section."""
    source[0] = re.sub(r"\[([\w-]+\.md)\]\((\1(#[\w-]+)?)\)", r"[](\2)", source[0])


def address_of(name: str) -> str | None:
    """Where the repository shows a file or directory of the project."""
    path = PROJECT / name
    return f"{REPOSITORY}/{'tree' if path.is_dir() else 'blob'}/main/{name}" if path.exists() else None


def find_outside(app: Any, env: Any, node: Any, contnode: Any) -> nodes.Node | None:
    """What the pages of modules and plugins refer to beyond this site: Ansible's own documentation."""
    target = node["reftarget"]
    if node["reftype"] == "envvar":
        return contnode
    if target in ANSIBLE_PAGES:
        return link(contnode, ANSIBLE + ANSIBLE_PAGES[target])
    if builtin := re.match(r"ansible_collections\.ansible\.builtin\.(\w+?)(__|$)", target):
        return link(contnode, f"{ANSIBLE}collections/ansible/builtin/{builtin[1]}.html")
    return None


def link(contnode: Any, uri: str) -> nodes.Node:
    """Lead to another site."""
    return nodes.reference("", "", *contnode.children, refuri=uri, internal=False)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", add_contents)
    app.connect("source-read", link_to_repository)
    app.connect("source-read", show_titles)
    app.connect("missing-reference", find_outside)
    return {"parallel_read_safe": True}
