"""Copies files out of an archive, byte for byte.

usage: extract.py OUT ARCHIVE MEMBER...
"""

import pathlib
import sys

from archives import open_archive


def main(out, archive, *members):
    read = open_archive(archive)
    for member in members:
        (pathlib.Path(out) / pathlib.PurePosixPath(member).name).write_bytes(read(member))


if __name__ == "__main__":
    main(*sys.argv[1:])
