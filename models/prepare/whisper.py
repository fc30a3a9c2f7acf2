"""Whisper from CTranslate2 to the two ONNX graphs that sherpa-onnx runs.

usage: whisper.py OUT PART1_ARCHIVE MEMBER_OF_PART1 PART2_ARCHIVE MEMBER_OF_PART2

The model file comes in two parts; `config.json` and `tokenizer.json` lie beside the first. The graphs are written node
by node from the weights, so neither torch nor CTranslate2 is needed. The encoder computes in floats, the decoder in int8.
"""

import base64
import json
import pathlib
import posixpath
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from archives import open_archive
from int8 import Products, quantize

HEAD_SIZE = 64  # of every Whisper
FRAMES_MAX = 1500  # audio positions: 30 s
SPACE = 220  # the token of a single space
HIDDEN = -1e9  # added to the score of what a token may not look at


def read_ctranslate2(data):
    """The variables of a CTranslate2 model file by name."""
    types = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
    at = 0

    def scalar(form):
        nonlocal at
        value = struct.unpack_from(f"<{form}", data, at)[0]
        at += struct.calcsize(form)
        return value

    def text():
        nonlocal at
        length = scalar("H")  # with the NUL at the end
        value = bytes(data[at : at + length - 1]).decode()
        at += length
        return value

    scalar("I"), text(), scalar("I")  # version, specification, revision
    variables = {}
    for _ in range(scalar("I")):
        name = text()
        shape = [scalar("I") for _ in range(scalar("B"))]
        form, size = scalar("B"), scalar("I")
        variables[name] = np.frombuffer(data[at : at + size], types[form]).reshape(shape)
        at += size
    for _ in range(scalar("I")):
        alias = text()
        variables[alias] = variables[text()]
    return variables


class Graph:
    """Collects nodes and constants. Methods return the name of what they compute."""

    def __init__(self, variables, width):
        self.nodes = []
        self.constants = {}
        self._variables = variables
        self._width = width
        self._products = Products(self._named)

    def op(self, kind, *inputs, output=None, **attributes):
        output = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value):
        return self._named(f"c{len(self.constants)}", np.ascontiguousarray(value))

    def integers(self, *values):
        return self._named("i" + "_".join(map(str, values)), np.array(values, np.int64))

    def variable(self, name):
        return self._named(name, self.floats(name))

    def floats(self, name):
        return self._variables[name].astype(np.float32)

    def linear(self, x, weight, bias):
        return self.op("Add", self.op("MatMul", x, self.constant(weight.T)), self.constant(bias))

    def integer_product(self, x, weight):
        output = f"t{len(self.nodes)}"
        self.nodes.extend(self._products.product(x, weight, output))
        return output

    def layer_norm(self, x, name):
        gamma, beta = self.variable(f"{name}/gamma"), self.variable(f"{name}/beta")
        return self.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-5)

    def gelu(self, x):
        erf = self.op("Erf", self.op("Div", x, self.constant(np.float32(np.sqrt(2)))))
        twice = self.op("Mul", x, self.op("Add", erf, self.constant(np.float32(1))))
        return self.op("Mul", twice, self.constant(np.float32(0.5)))

    def attention(self, query, keys, values, mask=None):
        scaled = self.op("Mul", query, self.constant(np.float32(HEAD_SIZE**-0.5)))
        scores = self.op("MatMul", self._heads(scaled, [0, 2, 1, 3]), self._heads(keys, [0, 2, 3, 1]))
        if mask:
            scores = self.op("Add", scores, mask)
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), self._heads(values, [0, 2, 1, 3]))
        return self.op(
            "Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), self.integers(0, 0, self._width)
        )

    def split(self, name, count):
        """The weights and biases of several projections that are stored as one."""
        weight, bias = self.floats(f"{name}/weight"), self.floats(f"{name}/bias")
        return list(zip(np.split(weight, count), np.split(bias, count)))

    def slice(self, x, start, end, axis):
        return self.op("Slice", x, start, end, self.integers(axis))

    def length(self, x, axis):
        return self.op("Slice", self.op("Shape", x), self.integers(axis), self.integers(axis + 1))

    def model(self, name, inputs, outputs):
        graph = helper.make_graph(self.nodes, name, inputs, outputs, list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model

    def _heads(self, x, order):
        split = self.op("Reshape", x, self.integers(0, 0, self._width // HEAD_SIZE, HEAD_SIZE))
        return self.op("Transpose", split, perm=order)

    def _named(self, name, value):
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name


class DecoderGraph(Graph):
    """A graph whose linear layers compute in int8."""

    def linear(self, x, weight, bias):
        product = self.integer_product(x, quantize(f"w{len(self.nodes)}", weight.T))
        return self.op("Add", product, self.constant(bias))


class Whisper:
    def __init__(self, variables):
        self.variables = variables
        self.width = variables["encoder/layer_norm/gamma"].shape[0]
        self.mels = variables["encoder/conv1/weight"].shape[1]
        self.tokens = variables["decoder/embeddings/weight"].shape[0]
        self.context = variables["decoder/position_encodings/encodings"].shape[0]
        self.encoder_layers = self._layers("encoder")
        self.decoder_layers = self._layers("decoder")

    def _layers(self, half):
        return sum(1 for n in self.variables if n.startswith(f"{half}/layer_") and n.endswith("/ffn/linear_0/weight"))

    def encoder(self):
        """Mel frames to the keys and values that the decoder's cross-attention needs."""
        g = Graph(self.variables, self.width)
        x = "mel"
        for conv, stride in (("encoder/conv1", 1), ("encoder/conv2", 2)):
            weight, bias = g.variable(f"{conv}/weight"), g.variable(f"{conv}/bias")
            x = g.gelu(g.op("Conv", x, weight, bias, kernel_shape=[3], pads=[1, 1], strides=[stride]))
        x = g.op("Transpose", x, perm=[0, 2, 1])
        positions = g.variable("encoder/position_encodings/encodings")
        x = g.op("Add", x, g.slice(positions, g.integers(0), g.length(x, 1), 0))
        for layer in range(self.encoder_layers):
            name = f"encoder/layer_{layer}"
            normed = g.layer_norm(x, f"{name}/self_attention/layer_norm")
            query, keys, values = (g.linear(normed, *part) for part in g.split(f"{name}/self_attention/linear_0", 3))
            x = self._add_projected(g, x, g.attention(query, keys, values), f"{name}/self_attention/linear_1")
            x = self._feed_forward(g, x, f"{name}/ffn")
        x = g.layer_norm(x, "encoder/layer_norm")
        cross = []
        for layer in range(self.decoder_layers):
            parts = g.split(f"decoder/layer_{layer}/attention/linear_1", 2)
            cross.append([g.op("Unsqueeze", g.linear(x, *part), g.integers(0)) for part in parts])
        outputs = ["n_layer_cross_k", "n_layer_cross_v"]
        for output, tensors in zip(outputs, zip(*cross)):
            g.op("Concat", *tensors, axis=0, output=output)
        shape = [self.decoder_layers, "n", "frames", self.width]
        return g.model(
            "encoder", [value("mel", ["n", self.mels, "mel_frames"])], [value(output, shape) for output in outputs]
        )

    def decoder(self):
        """Tokens and the caches of the tokens before them to logits and longer caches."""
        g = DecoderGraph(self.variables, self.width)
        embeddings = quantize("embeddings", g.floats("decoder/embeddings/weight").T)
        x = self._embedded(g, embeddings)
        offset, end = "offset", g.op("Add", "offset", g.length("tokens", 1))
        positions = g.variable("decoder/position_encodings/encodings")
        x = g.op("Add", x, g.slice(positions, offset, end, 0))
        mask = self._causal_mask(g, offset, end)
        caches = []
        for layer in range(self.decoder_layers):
            name = f"decoder/layer_{layer}"
            normed = g.layer_norm(x, f"{name}/self_attention/layer_norm")
            query, keys, values = (g.linear(normed, *part) for part in g.split(f"{name}/self_attention/linear_0", 3))
            keys, keys_cache = self._extended(g, "in_n_layer_self_k_cache", layer, keys, offset, end)
            values, values_cache = self._extended(g, "in_n_layer_self_v_cache", layer, values, offset, end)
            caches.append((keys_cache, values_cache))
            x = self._add_projected(g, x, g.attention(query, keys, values, mask), f"{name}/self_attention/linear_1")
            normed = g.layer_norm(x, f"{name}/attention/layer_norm")
            query = g.linear(normed, *g.split(f"{name}/attention/linear_0", 1)[0])
            cross = [self._layer_of(g, f"n_layer_cross_{kind}", layer) for kind in "kv"]
            x = self._add_projected(g, x, g.attention(query, *cross), f"{name}/attention/linear_2")
            x = self._feed_forward(g, x, f"{name}/ffn")
        x = g.layer_norm(x, "decoder/layer_norm")
        g.op("Identity", g.integer_product(x, embeddings), output="logits")
        for kind, tensors in zip("kv", zip(*caches)):
            g.op("Concat", *tensors, axis=0, output=f"out_n_layer_self_{kind}_cache")
        cache = [self.decoder_layers, "n", self.context, self.width]
        cross = [self.decoder_layers, "n", "frames", self.width]
        inputs = [
            value("tokens", ["n", "length"], TensorProto.INT64),
            value("in_n_layer_self_k_cache", cache),
            value("in_n_layer_self_v_cache", cache),
            value("n_layer_cross_k", cross),
            value("n_layer_cross_v", cross),
            value("offset", [1], TensorProto.INT64),
        ]
        outputs = [
            value("logits", ["n", "length", self.tokens]),
            value("out_n_layer_self_k_cache", cache),
            value("out_n_layer_self_v_cache", cache),
        ]
        return g.model("decoder", inputs, outputs)

    def _embedded(self, g, embeddings):
        """Rows of the token embeddings, each with its own scale; in the product for the logits they are columns."""
        rows = g.op("Gather", g.constant(np.ascontiguousarray(embeddings.quantized.T)), "tokens")
        centred = g.op("Sub", g.op("Cast", rows, to=TensorProto.FLOAT), g.constant(np.float32(embeddings.zero_point)))
        return g.op("Mul", centred, g.op("Gather", g.constant(embeddings.scale[:, None]), "tokens"))

    def _causal_mask(self, g, offset, end):
        mask = g.constant(np.triu(np.full((self.context, self.context), HIDDEN, np.float32), 1))
        return g.slice(g.slice(mask, offset, end, 0), g.integers(0), end, 1)

    def _extended(self, g, cache, layer, new, offset, end):
        """The layer's cache up to the new tokens for attention, and the whole cache for the next call."""
        cached = self._layer_of(g, cache, layer)
        used = g.op("Concat", g.slice(cached, g.integers(0), offset, 1), new, axis=1)
        rest = g.slice(cached, end, g.integers(self.context), 1)
        return used, g.op("Unsqueeze", g.op("Concat", used, rest, axis=1), g.integers(0))

    def _layer_of(self, g, tensor, layer):
        return g.op("Squeeze", g.slice(tensor, g.integers(layer), g.integers(layer + 1), 0), g.integers(0))

    def _add_projected(self, g, x, mixed, name):
        return g.op("Add", x, g.linear(mixed, *g.split(name, 1)[0]))

    def _feed_forward(self, g, x, name):
        hidden = g.gelu(g.linear(g.layer_norm(x, f"{name}/layer_norm"), *g.split(f"{name}/linear_0", 1)[0]))
        return self._add_projected(g, x, hidden, f"{name}/linear_1")

    def metadata(self, config, special):
        """What sherpa-onnx reads from the encoder. `special` maps the special tokens to their ids."""
        languages = sorted(
            (token_id, token[2:-2]) for token, token_id in special.items() if token_id in set(config["lang_ids"])
        )
        return {
            "model_type": "whisper-base",
            "version": 1,
            "n_mels": self.mels,
            "n_audio_ctx": FRAMES_MAX,
            "n_audio_state": self.width,
            "n_audio_head": self.width // HEAD_SIZE,
            "n_audio_layer": self.encoder_layers,
            "n_vocab": self.tokens,
            "n_text_ctx": self.context,
            "n_text_state": self.width,
            "n_text_head": self.width // HEAD_SIZE,
            "n_text_layer": self.decoder_layers,
            "sot_sequence": joined(special[f"<|{token}|>"] for token in ("startoftranscript", "en", "transcribe")),
            "all_language_tokens": joined(token_id for token_id, _ in languages),
            "all_language_codes": joined(code for _, code in languages),
            "sot": special["<|startoftranscript|>"],
            "sot_index": 0,
            "eot": special["<|endoftext|>"],
            "blank_id": SPACE,
            "is_multilingual": 1,
            "no_speech": special.get("<|nospeech|>", special.get("<|nocaptions|>")),
            "non_speech_tokens": joined(token for token in config["suppress_ids"] if token >= 0),
            "transcribe": special["<|transcribe|>"],
            "translate": special["<|translate|>"],
            "sot_prev": special["<|startofprev|>"],
            "sot_lm": special["<|startoflm|>"],
            "no_timestamps": special["<|notimestamps|>"],
        }


def value(name, shape, form=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, form, shape)


def joined(values):
    return ",".join(map(str, values))


def tokens_txt(vocabulary, end):
    """One line per token below `end`: its bytes in base64 and its id.

    The vocabulary spells bytes as GPT-2 does: printable ones as themselves, the others as characters from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    byte_of = {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
    lines = []
    for token, token_id in sorted(vocabulary.items(), key=lambda item: item[1]):
        if token_id < end:
            lines.append(f"{base64.b64encode(bytes(byte_of[c] for c in token)).decode()} {token_id}\n")
    return "".join(lines)


def main(out, archive1, part1, archive2, part2):
    out = pathlib.Path(out)
    read = open_archive(archive1)
    whisper = Whisper(read_ctranslate2(memoryview(read(part1) + open_archive(archive2)(part2))))
    folder = posixpath.dirname(part1)
    config, tokenizer = (json.loads(read(f"{folder}/{name}.json")) for name in ("config", "tokenizer"))
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    encoder = whisper.encoder()
    helper.set_model_props(encoder, {key: str(item) for key, item in whisper.metadata(config, special).items()})
    onnx.save(encoder, out / "encoder.onnx")
    onnx.save(whisper.decoder(), out / "decoder.onnx")
    (out / "tokens.txt").write_text(tokens_txt(tokenizer["model"]["vocab"], special["<|endoftext|>"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
