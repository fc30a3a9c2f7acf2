"""Moonshine as its authors ship it (ORT format, already int8), with tokens for sherpa-onnx.

usage: moonshine.py OUT ARCHIVE FOLDER_IN_ARCHIVE
"""

import pathlib
import sys

from archives import open_archive
from moonshine_tokens import tokens_txt


def main(out, archive, folder):
    out = pathlib.Path(out)
    read = open_archive(archive)
    for name in ("encoder_model.ort", "decoder_model_merged.ort"):
        (out / name).write_bytes(read(f"{folder}/{name}"))
    (out / "tokens.txt").write_text(tokens_txt(read(f"{folder}/tokenizer.bin")))


if __name__ == "__main__":
    main(*sys.argv[1:])
