"""Traditional characters with their simplified forms, since Whisper writes either.

usage: simplified_chinese.py OUT MISAKI_ARCHIVE

One line for each traditional character, in byte order: the character, a space, its simplified form.
"""

import ast
import pathlib
import sys

from archives import open_archive

# Where the table there names another traditional character.
CORRECTIONS = {"麼": "么", "著": "着"}


def string_constants(source):
    """The strings that a Python module assigns to names, without running it."""
    return {
        statement.targets[0].id: statement.value.value
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Constant)
    }


def main(out, archive):
    constants = string_constants(open_archive(archive)("misaki/zh_normalization/char_convert.py").decode())
    pairs = dict(zip(constants["traditional_characters"], constants["simplified_charcters"], strict=True)) | CORRECTIONS
    lines = sorted(f"{old} {new}\n".encode() for old, new in pairs.items() if old != new and "\u3400" <= old)
    (pathlib.Path(out) / "simplified.txt").write_bytes(b"".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
