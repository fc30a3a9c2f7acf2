"""Measures the prepared models with sherpa-onnx alone: errors on telephone speech, and processor time for each second of audio.

usage: measure.py hear MODEL_ID TEXTS SOUNDS [EVERY]      measure.py round-trip VOICE_MODEL_ID VOICES MODEL_ID LINES

`hear` reads `name: what is said` lines from TEXTS (or TEXTS.gz) and recognizes SOUNDS/name.wav, every EVERY-th of them,
up to the 12 s that the engine gives a model at once.
`round-trip` has the voices (joined with commas) say the lines of a file and recognizes that. Both send the audio through
8 kHz and G.711 µ-law first. The models are those of $VOXGATE_MODELS or ~/.cache/voxgate/models.

Needs: pip install sherpa-onnx==2.0.1 numpy scipy soundfile num2words; for English voices, cargo.
"""

import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
import sherpa_onnx
import soundfile
from num2words import num2words
from scipy.signal import resample_poly

ROOT = pathlib.Path(os.environ.get("VOXGATE_MODELS", pathlib.Path.home() / ".cache/voxgate/models"))
PIECE_SECONDS_MAX = 12
MANIFEST = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))


def find_model(model_id):
    model = next(model for model in MANIFEST["models"] if model["id"] == model_id)
    return model, lambda part: str(ROOT / model[part])


def load_recognizer(model_id, language):
    model, path = find_model(model_id)
    tokens = path("tokens")
    if model["kind"] == "moonshine":
        recognizer = sherpa_onnx.OfflineRecognizer.from_moonshine_v2(
            encoder=path("encoder"), decoder=path("merged_decoder"), tokens=tokens, num_threads=1
        )
    else:
        recognizer = sherpa_onnx.OfflineRecognizer.from_whisper(
            encoder=path("encoder"), decoder=path("decoder"), tokens=tokens, language=language, num_threads=1
        )
    simplified = {}
    if "simplified" in model:
        simplified = dict(line.split() for line in pathlib.Path(path("simplified")).read_text("utf-8").splitlines())

    def recognize(samples):
        stream = recognizer.create_stream()
        stream.accept_waveform(16000, samples)
        recognizer.decode_stream(stream)
        return "".join(simplified.get(character, character) for character in stream.result.text)

    return recognize


def load_synthesizer(model_id):
    """A function from a line and a voice to samples and their rate."""
    model, path = find_model(model_id)
    if model["kind"] == "piper":
        vits = sherpa_onnx.OfflineTtsVitsModelConfig(model=path("model"), tokens=path("tokens"))
        config = sherpa_onnx.OfflineTtsModelConfig(vits=vits, num_threads=1)
    else:
        kokoro = sherpa_onnx.OfflineTtsKokoroModelConfig(
            model=path("model"),
            voices=path("voices_file"),
            tokens=path("tokens"),
            lexicon=",".join(str(ROOT / lexicon) for lexicon in model["lexicons"]),
        )
        config = sherpa_onnx.OfflineTtsModelConfig(kokoro=kokoro, num_threads=1)
    synthesizer = sherpa_onnx.OfflineTts(sherpa_onnx.OfflineTtsConfig(model=config, max_num_sentences=1))

    def synthesize(line, voice):
        options = sherpa_onnx.GenerationConfig()
        options.sid = next(v["speaker"] for v in model["voices"] if v["name"] == voice)
        if model["kind"] == "piper":
            command = ["cargo", "run", "-q", "-p", "phonemes", "--example", "phonemes", ROOT / "en/voice"]
            spoken = subprocess.run(command, input=line + "\n", capture_output=True, text=True, check=True).stdout
            options.phoneme_codepoints = [[ord(c) for c in sentence] for sentence in spoken.strip().split("|")]
        start = time.process_time()
        audio = synthesizer.generate(line, options)
        return np.array(audio.samples, np.float32), audio.sample_rate, time.process_time() - start

    return synthesize


def by_telephone(samples, rate):
    """The samples at 16 kHz after 8 kHz and G.711 µ-law."""
    common = np.gcd(8000, rate)
    narrow = resample_poly(samples, 8000 // common, rate // common) if rate != 8000 else samples
    bias = 0x84
    linear = (np.clip(narrow, -1, 1) * 32767).astype(np.int32)
    magnitude = np.minimum(np.abs(linear), 32635) + bias
    exponent = np.floor(np.log2(magnitude)).astype(int) - 7
    decoded = ((((magnitude >> (exponent + 3)) & 15) << 3) + bias << exponent) - bias
    return resample_poly(np.where(linear < 0, -decoded, decoded) / 32768, 2, 1).astype(np.float32)


def words(text, language):
    """What is compared: Chinese characters, or English words with numbers written out."""
    if language == "zh":
        digits = dict(zip("0123456789", "零一二三四五六七八九"))
        return [digits.get(c, c) for c in re.sub(r"[^\u4e00-\u9fff0-9a-z]", "", text.lower())]
    text = re.sub(r"['’]", "", text.lower()).replace("%", " percent ")
    text = re.sub(r"\d+", lambda number: f" {num2words(int(number[0]))} ", text)
    return re.sub(r"[^a-z]", " ", text).split()


def edits(reference, hypothesis):
    row = list(range(len(hypothesis) + 1))
    for i, expected in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, found in enumerate(hypothesis, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (expected != found))
    return row[-1]


class Tally:
    def __init__(self, recognize, language):
        self.recognize, self.language = recognize, language
        self.errors = self.total = self.seconds = self.spent = 0

    def add(self, text, samples, rate):
        heard_audio = by_telephone(samples, rate)
        start = time.process_time()
        heard = self.recognize(heard_audio)
        self.spent += time.process_time() - start
        self.seconds += len(samples) / rate
        expected = words(text, self.language)
        wrong = edits(expected, words(heard, self.language))
        self.errors += wrong
        self.total += len(expected)
        if wrong:
            print(f"  {wrong}  {text}\n     {heard}")

    def __str__(self):
        return (
            f"{100 * self.errors / self.total:.1f} % of {self.total} wrong, {self.spent / self.seconds:.3f} s for each of "
            f"{self.seconds:.0f} s"
        )


def hear(model_id, texts, sounds, every="1"):
    tally = Tally(load_recognizer(model_id, "en"), "en")
    opener = gzip.open if texts.endswith(".gz") else open
    with opener(texts, "rt", encoding="utf-8", errors="replace") as file:
        lines = [re.match(r"([^;:]+): ([^\[(]+)$", line) for line in file]
    prompts = [(pathlib.Path(sounds) / f"{line[1]}.wav", line[2].strip()) for line in lines if line]
    prompts = [(wav, text) for wav, text in prompts if wav.exists() and len(text.split()) > 3]
    for wav, text in prompts[:: int(every)]:
        samples, rate = soundfile.read(wav, dtype="float32")
        if len(samples) <= PIECE_SECONDS_MAX * rate:
            tally.add(text, samples, rate)
    print(f"{model_id}: {tally}")


def round_trip(voice_model_id, voices, model_id, lines):
    synthesize = load_synthesizer(voice_model_id)
    lines = pathlib.Path(lines).read_text(encoding="utf-8").splitlines()
    language = "zh" if re.search("[\u4e00-\u9fff]", "".join(lines)) else "en"
    recognize = load_recognizer(model_id, language)
    for voice in voices.split(","):
        tally, spent = Tally(recognize, language), 0
        for line in lines:
            samples, rate, took = synthesize(line, voice)
            spent += took
            tally.add(line, samples, rate)
        print(f"{voice}, heard by {model_id}: {tally}; said in {spent / tally.seconds:.2f} s for each")


if __name__ == "__main__":
    {"hear": hear, "round-trip": round_trip}[sys.argv[1]](*sys.argv[2:])
