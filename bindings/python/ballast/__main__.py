"""``python -m ballast``: shows the version, the native library, and the memory of this host's guests."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

import ballast

from ._callbacks import registerErrorHandler
from ._error import libvirtError
from ._library import library

_COLUMNS = ("domain", "id", "used", "available", "actual", "reason")


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [list(_COLUMNS)] + [["-" if row[key] is None else str(row[key]) for key in _COLUMNS] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    lines = []
    for line in cells:
        texts = [
            text.rjust(width) if key in ("id", "used", "available", "actual") else text.ljust(width)
            for key, text, width in zip(_COLUMNS, line, widths)
        ]
        lines.append("  ".join(texts).rstrip())
    return "\n".join(lines)


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(
        prog="python -m ballast", description="Shows the version, the native library, and the memory of the guests in KiB."
    )
    parser.add_argument("-c", "--connect", metavar="URI", help="the URI to connect to; default: the one of ballast.open()")
    parser.add_argument("--json", action="store_true", help="write JSON, with all statistics")
    options = parser.parse_args()
    registerErrorHandler(lambda context, error: None, None)
    found = library.ballastGetVersion().decode()
    try:
        with ballast.openReadOnly(options.connect) as conn:
            uri = conn.getURI()
            rows = sorted(ballast.sample(conn), key=lambda row: str(row["domain"]))
    except (libvirtError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        versions = {"version": ballast.__version__, "library": {"path": library.path, "version": found}}
        print(json.dumps({**versions, "uri": uri, "domains": rows}, indent=2))
    else:
        print(f"ballast {ballast.__version__}, {library.path} {found}, {uri}")
        print(_table(rows) if rows else "no guest runs here")
    return 0


def _run() -> int:
    # A name that the terminal cannot show is shown escaped.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
        return status
    except (BrokenPipeError, KeyboardInterrupt):
        return 1
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        # What cannot be written now cannot be written at the interpreter's end either, which would say so again.
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(_run())
