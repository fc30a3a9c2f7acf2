"""How English words are spoken: a lexicon, and letter-to-sound rules learned from it for the words it does not hold.

usage: english_phonemes.py OUT MISAKI_ARCHIVE

Both files are in misaki's alphabet (one character per phoneme, a stress mark before the vowel) and sorted by key in
byte order. `lexicon.txt` has `word phonemes`; words are in lower case, names of letters in upper case, and a word that is
said otherwise as a verb ("record", "live") is there once more as `word/verb`. `letters.txt` has `left[letter]right phonemes`: what the letter becomes between these letters, where `^` and `$` are the ends of the
word; the rule with the widest context holds, and no phonemes means that the letter is silent.
"""

import collections
import json
import math
import pathlib
import re
import sys

from archives import open_archive

VOWELS = set("AIOWYaiuæɑəɛɜɪɔʊʌᵊᵻ")
STRESSES = "ˈˌ"
# Letters of context on the left and on the right, from the narrowest rule to the widest.
CONTEXTS = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (4, 4)]
# A rule must have been seen this often; one seen once is a fact about one word, which the lexicon holds.
SEEN_MIN = 3
# Enough to learn which letter goes with which phoneme.
ALIGNMENT_WORDS = 4000
ALIGNMENT_ROUNDS = 3
# Twice as many words take twice as long and make the rules 2 % better.
RULE_WORDS = 50000


def read_lexicon(read, files=("us_silver", "us_gold")):
    """From misaki's lexicons, a later one winning over an earlier and a word in lower case over a name."""
    lexicon = {}
    for file in files:
        entries = json.loads(read(f"misaki/data/{file}.json"))
        for word, spoken in sorted(entries.items(), key=lambda entry: entry[0] == entry[0].lower()):
            if isinstance(spoken, dict):
                if spoken.get("VERB") and word == word.lower():
                    lexicon[f"{word}/verb"] = spoken["VERB"]
                spoken = spoken["DEFAULT"]
            if not spoken:
                continue
            if re.fullmatch("[A-Z]", word):
                lexicon[word] = spoken
            elif len(word) > 1 and re.fullmatch(r"[^\W\d_]+(['][^\W\d_]+)*", word):
                lexicon[word.lower()] = spoken
    return lexicon


def units(spoken):
    """Phonemes, each vowel with its stress."""
    return re.findall(f"[{STRESSES}]?.", spoken)


class Aligner:
    """Finds which of a word's phonemes belong to which of its letters: none, one or two to each."""

    def __init__(self):
        self.costs = None

    def cost(self, letter, chunk):
        if self.costs is not None:
            return self.costs.get((letter, chunk), 12.0)
        # Before anything is known: vowels go with vowels, consonants with consonants, one to one.
        if len(chunk) != 1:
            return 3.0 + len(chunk)
        return 1.0 if (letter in "aeiouy") == (chunk[0][-1] in VOWELS) else 5.0

    def align(self, word, phonemes):
        """A chunk of phonemes for each letter, or None if there are too many phonemes."""
        best = {0: (0.0, ())}
        for at, letter in enumerate(word):
            after = {}
            letters_left = len(word) - at - 1
            for start, (cost, chunks) in best.items():
                for end in range(start, min(start + 2, len(phonemes)) + 1):
                    if len(phonemes) - end > 2 * letters_left:
                        continue
                    chunk = tuple(phonemes[start:end])
                    total = cost + self.cost(letter, chunk)
                    if end not in after or total < after[end][0]:
                        after[end] = (total, (chunks, chunk))
            best = after
        if len(phonemes) not in best:
            return None
        chunks, linked = [], best[len(phonemes)][1]
        while linked:
            linked, chunk = linked
            chunks.append(chunk)
        return chunks[::-1]

    def learn(self, words):
        for _ in range(ALIGNMENT_ROUNDS):
            counts, totals = collections.Counter(), collections.Counter()
            for word, phonemes in words:
                for letter, chunk in zip(word, self.align(word, phonemes) or ()):
                    counts[letter, chunk] += 1
                    totals[letter] += 1
            self.costs = {key: -math.log(count / totals[key[0]]) for key, count in counts.items()}


def rule_key(word, at, context):
    left, right = context
    padded = "^" + word + "$"
    at += 1
    return f"{padded[max(0, at - left) : at]}[{padded[at]}]{padded[at + 1 : at + 1 + right]}"


def learn_rules(aligned):
    """The rules, each only where it says something else than the widest narrower one that was kept."""
    rules = {}
    letters = [(word, at, "".join(chunk)) for word, chunks in aligned for at, chunk in enumerate(chunks)]
    so_far = [None] * len(letters)
    for context in CONTEXTS:
        keys = [rule_key(word, at, context) for word, at, _ in letters]
        outcomes = collections.defaultdict(collections.Counter)
        narrower = {}
        for key, (_, _, outcome), rule in zip(keys, letters, so_far):
            outcomes[key][outcome] += 1
            narrower[key] = rule
        for key, counts in outcomes.items():
            # By count, then by text, so that a tie falls the same way on every run.
            outcome, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
            if outcome != narrower[key] and (count >= SEEN_MIN or context == CONTEXTS[0]):
                rules[key] = outcome
        so_far = [rules.get(key, rule) for key, rule in zip(keys, so_far)]
    return rules


def every(words, count):
    """About `count` of the words, spread over the alphabet."""
    return words[:: max(1, len(words) // count)]


def write_sorted(path, entries):
    lines = sorted(f"{key} {value}".encode() for key, value in entries.items())
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def main(out, archive):
    out = pathlib.Path(out)
    lexicon = read_lexicon(open_archive(archive))
    words = sorted((word, units(spoken)) for word, spoken in lexicon.items() if re.fullmatch("[a-z]{2,14}", word))
    aligner = Aligner()
    aligner.learn(every(words, ALIGNMENT_WORDS))
    aligned = [(word, chunks) for word, phonemes in every(words, RULE_WORDS) if (chunks := aligner.align(word, phonemes))]
    write_sorted(out / "lexicon.txt", lexicon)
    write_sorted(out / "letters.txt", learn_rules(aligned))


if __name__ == "__main__":
    main(*sys.argv[1:])
