"""How Chinese words are spoken, in Kokoro's alphabet: a lexicon for sherpa-onnx.

usage: chinese_phonemes.py OUT

One line for each character and phrase that pypinyin knows: the word, then its phonemes apart.
"""

import pathlib
import sys

from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

INITIALS = {
    "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k", "k": "kʰ", "h": "x",
    "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s", "": "",
}  # fmt: skip
# Where the tone is said: at the `0`.
FINALS = {
    "a": "a0", "ai": "ai0", "an": "a0n", "ang": "a0ŋ", "ao": "au0", "e": "ɤ0", "ei": "ei0", "en": "ə0n", "eng": "ə0ŋ",
    "er": "ɚ0", "i": "i0", "ia": "ja0", "ian": "jɛ0n", "iang": "ja0ŋ", "iao": "jau0", "ie": "je0", "in": "i0n",
    "ing": "i0ŋ", "iong": "jʊ0ŋ", "iou": "jou0", "o": "wo0", "ong": "ʊ0ŋ", "ou": "ou0", "u": "u0", "ua": "wa0",
    "uai": "wai0", "uan": "wa0n", "uang": "wa0ŋ", "uei": "wei0", "uen": "wə0n", "ueng": "wə0ŋ", "uo": "wo0",
    "v": "y0", "van": "ɥɛ0n", "ve": "ɥe0", "vn": "y0n",
}  # fmt: skip
# The vowel of zi, ci, si, zhi, chi, shi and ri.
BUZZED = ("z", "c", "s", "zh", "ch", "sh", "r")
TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}


def syllable(initial, final_and_tone):
    """The phonemes of a syllable, or None for one that Mandarin has only in interjections."""
    final, tone = final_and_tone[:-1], final_and_tone[-1:]
    if initial in BUZZED and final == "i":
        return INITIALS[initial] + "ɨ" + TONES[tone]
    if initial == "" and final == "o":
        return "ɔ" + TONES[tone]
    if initial not in INITIALS or final not in FINALS or tone not in TONES:
        return None
    return INITIALS[initial] + FINALS[final].replace("0", TONES[tone])


def spoken(word):
    initials = lazy_pinyin(word, Style.INITIALS, strict=True, errors="ignore")
    finals = lazy_pinyin(word, Style.FINALS_TONE3, strict=True, errors="ignore", neutral_tone_with_five=True)
    syllables = [syllable(*parts) for parts in zip(initials, finals)]
    if not syllables or None in syllables or len(syllables) != len(word):
        return None
    return "".join(syllables)


def main(out):
    characters = [chr(code) for code in sorted(PINYIN_DICT) if 0x4E00 <= code <= 0x9FFF]
    with open(pathlib.Path(out) / "lexicon-zh.txt", "w", encoding="utf-8") as file:
        for word in [*characters, *sorted(PHRASES_DICT)]:
            phonemes = spoken(word)
            if phonemes:
                file.write(f"{word} {' '.join(phonemes)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
