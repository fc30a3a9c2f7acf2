"""A Piper voice with the metadata and tokens that sherpa-onnx wants.

usage: piper.py OUT ARCHIVE ONNX_IN_ARCHIVE
"""

import json
import pathlib
import sys

from archives import open_archive
from onnx_metadata import with_metadata


def main(out, archive, onnx):
    out = pathlib.Path(out)
    read = open_archive(archive)
    config = json.loads(read(f"{onnx}.json"))
    metadata = {
        "model_type": "vits",
        "comment": "piper",
        "language": config["language"]["name_english"],
        "voice": config["espeak"]["voice"],
        "version": 1,
        "has_espeak": 1,
        "has_g2pw": 0,
        "n_speakers": config["num_speakers"],
        "sample_rate": config["audio"]["sample_rate"],
    }
    (out / "model.onnx").write_bytes(with_metadata(read(onnx), metadata))
    (out / "tokens.txt").write_text(
        "".join(f"{symbol} {ids[0]}\n" for symbol, ids in config["phoneme_id_map"].items() if symbol != "\n"),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
