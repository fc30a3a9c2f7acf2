"""American pronunciations for Kokoro: misaki's lexicon, whose alphabet is Kokoro's, as sherpa-onnx reads it.

usage: kokoro_english.py OUT MISAKI_ARCHIVE
"""

import pathlib
import sys

from archives import open_archive
from english_phonemes import read_lexicon


def main(out, archive):
    lexicon = read_lexicon(open_archive(archive))
    with open(pathlib.Path(out) / "lexicon-us-en.txt", "w", encoding="utf-8") as file:
        for word, spoken in sorted(lexicon.items()):
            # Names of letters and verbs have keys of their own there; sherpa looks words up in lower case.
            if word == word.lower() and "/" not in word:
                file.write(f"{word} {' '.join(spoken)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
