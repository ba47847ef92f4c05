"""What the site's builder is told besides mkdocs.yml: the pages that stand outside docs/, and links to what is no page.

On the host of the sources a page may link to any file of the project. The site has the pages only: a link to another
file becomes its name.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "SECURITY.md": "SECURITY.md"}
OUTSIDE |= {"CHANGELOG.md": "CHANGELOG.md"}
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """A folder in the navigation stands for all its pages."""
    for section in config.nav or []:
        for entries in section.values():
            for entry in entries if isinstance(entries, list) else []:
                _spread(entry)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages at the project's root."""
    for source, target in OUTSIDE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        page = relinked(text, PurePosixPath(source), PurePosixPath(target))
        files.append(File.generated(config, target, content=page))
    return files


def on_page_markdown(markdown: str, page: Page, **rest: Any) -> str:
    """Takes links out of the site away."""
    if page.file.src_uri in OUTSIDE.values():
        return markdown
    return relinked(markdown, PurePosixPath("docs") / page.file.src_uri, PurePosixPath(page.file.src_uri))


def relinked(markdown: str, source: PurePosixPath, target: PurePosixPath) -> str:
    """The page with its links as they are on the site.

    Args:
        source: where the page stands in the project.
        target: where it stands in the site.
    """

    def link(match: re.Match[str]) -> str:
        picture, text, where, anchor = match[1], match[2], match[3], match[4] or ""
        place = _normal(source.parent / where)
        if place.parts[0] == "docs":
            place = PurePosixPath(*place.parts[1:])
        elif str(place) in OUTSIDE:
            place = PurePosixPath(OUTSIDE[str(place)])
        elif (ROOT / place).exists():
            return text
        up = "../" * (len(target.parts) - 1)
        return f"{picture}[{text}]({up}{place}{anchor})"

    return LINK.sub(link, markdown)


def _normal(path: PurePosixPath) -> PurePosixPath:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def _spread(entry: Any) -> None:
    for title, where in entry.items() if isinstance(entry, dict) else []:
        if isinstance(where, str) and where.endswith("/"):
            pages = sorted((ROOT / "docs" / where).glob("*.md"))
            entry[title] = [{page.stem: where + page.name} for page in pages]
