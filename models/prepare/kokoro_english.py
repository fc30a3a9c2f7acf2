"""American pronunciations for Kokoro: misaki's lexicon, whose alphabet is Kokoro's, as sherpa-onnx reads it.

usage: kokoro_english.py OUT MISAKI_ARCHIVE

sherpa-onnx leaves out words that it does not find, and the lexicon has few regular plurals and past tenses, so these are
added. Names that only the larger of misaki's lexicons has are left out: each 100,000 lines take a second to load.
"""

import pathlib
import re
import sys

from archives import open_archive
from english_phonemes import read_lexicon

# Said within a sentence, where the lexicon has the name of the letter.
SHORT_WORDS = {"a": "ɐ", "I": "ˌI", "i": "ˌI"}
# Longer words are rarely inflected, and a long lexicon is slow to load.
STEM_LETTERS_MAX = 11


def with_s(word, spoken):
    if spoken[-1] in "szʃʒʧʤ":
        return (word if word.endswith("e") else word + "e") + "s", spoken + "ᵻz"
    if re.search("[^aeiou]y$", word):
        return word[:-1] + "ies", spoken + "z"
    return word + "s", spoken + ("s" if spoken[-1] in "ptkfθ" else "z")


def with_ed(word, spoken):
    if word.endswith("e"):
        word = word[:-1]
    elif re.search("[^aeiou]y$", word):
        word = word[:-1] + "i"
    ending = "ᵻd" if spoken[-1] in "td" else "t" if spoken[-1] in "pkfθʃsʧ" else "d"
    return word + "ed", spoken + ending


def with_ing(word, spoken):
    return (word[:-1] if re.search("[^eoy]e$", word) else word) + "ing", spoken + "ɪŋ"


def main(out, archive):
    known = read_lexicon(open_archive(archive), ("us_gold",))
    # Verbs have keys of their own there, names of letters are in upper case.
    lexicon = {word: spoken for word, spoken in known.items() if "/" not in word} | SHORT_WORDS
    for word, spoken in sorted(lexicon.items()):
        if re.fullmatch(f"[a-z]{{3,{STEM_LETTERS_MAX}}}", word) and not re.search("(s|ed|ing)$", word):
            for inflect in (with_s, with_ed, with_ing):
                lexicon.setdefault(*inflect(word, spoken))
    with open(pathlib.Path(out) / "lexicon-us-en.txt", "w", encoding="utf-8") as file:
        for word, spoken in sorted(lexicon.items()):
            file.write(f"{word} {' '.join(spoken)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
