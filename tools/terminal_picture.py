# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what a command has printed, read from standard input, into a picture (SVG) on standard output.

Colours of the terminal are kept. For example:

  make demo ENGINE=scan | tee demo.log
  tools/run --test python tools/terminal_picture.py --title 'make demo ENGINE=scan' <demo.log >docs/images/demo.svg
"""

from __future__ import annotations

import argparse
import io
import sys

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

# No fetched font: a picture in a page may not fetch anything.
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <!--
    SPDX-FileCopyrightText: 2026 The uid_mem authors
    SPDX-License-Identifier: GPL-3.0-or-later
    -->
    <style>
    .{unique_id}-matrix {{
        font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace;
        font-size: {char_height}px;
        line-height: {line_height}px;
        font-variant-east-asian: full-width;
    }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
    {styles}
    </style>
    <defs>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""


def main() -> int:
    """Print the picture."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--title", default="", help="what stands above it, the command for example")
    arguments = parser.parse_args()
    text = Text.from_ansi(sys.stdin.read().rstrip("\n"))
    width = max(line.cell_len for line in text.split("\n"))
    console = Console(record=True, width=width, file=io.StringIO(), highlight=False)
    console.print(text, no_wrap=True, overflow="ignore", crop=False)
    # The name of the classes does not depend on when it was made.
    svg = console.export_svg(title=arguments.title, theme=MONOKAI, code_format=FORMAT, unique_id="terminal")
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in svg.splitlines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
