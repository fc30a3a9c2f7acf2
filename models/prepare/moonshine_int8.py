"""Moonshine from ORT format to ONNX that computes in int8.

usage: moonshine_int8.py OUT ARCHIVE FOLDER_IN_ARCHIVE

The shipped graph keeps its weights as int8 and turns them into floats on every run (Cast, Mul by a scale, Add of an
offset), which is most of its time. The offset is a whole multiple of the scale, so the same int8 weights serve as they
are in an integer matrix product with a zero point: nothing is quantized twice, only the activations are.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper

from archives import open_archive
from int8 import Products, Weight
from moonshine_tokens import tokens_txt
from ort_format import read_ort


def stored_weights(graph):
    """The int8 weights of a graph by the name of the tensor that is made of them on every run."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    weights = {}
    for name, tensor in constants.items():
        stem, found, _ = name.rpartition("_quantized")
        if not found:
            continue
        scale, offset = (numpy_helper.to_array(constants[f"{stem}_{part}"]).item() for part in ("scale", "zero_point"))
        zero_point = -offset / scale
        if abs(zero_point - round(zero_point)) > 1e-3:
            raise ValueError(f"the offset of {stem} is not a multiple of its scale")
        unsigned = (numpy_helper.to_array(tensor).astype(np.int16) + 128).astype(np.uint8)
        weights[f"{stem}_add_tensor"] = Weight(stem, unsigned, np.float32(scale), np.uint8(round(zero_point) + 128))
    return weights


class Rewriter:
    """Replaces what uses the dequantized weights, in a graph and its subgraphs."""

    def __init__(self, graph):
        self._graph = graph
        self._weights = stored_weights(graph)
        self._added = {}

    def run(self):
        stems = [weight.name for weight in self._weights.values()]
        made = {f"{stem}_{step}_tensor" for stem in stems for step in ("cast", "mul", "add")}
        stored = {f"{stem}_{part}" for stem in stems for part in ("quantized", "scale", "zero_point")}
        kept = [tensor for tensor in self._graph.initializer if tensor.name not in stored]
        self._rewrite(self._graph, [node for node in self._graph.node if node.output[0] not in made])
        replace(self._graph.initializer, [*kept, *self._added.values()])

    def _rewrite(self, graph, nodes):
        weights = dict(self._weights)
        products = Products(self._constant)
        result = []
        for node in nodes:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    self._rewrite(attribute.g, list(attribute.g.node))
            weight = next((weights[name] for name in node.input if name in weights), None)
            if weight is None:
                result.append(node)
            elif node.op_type == "MatMul":
                result.extend(products.product(node.input[0], weight, node.output[0]))
            elif node.op_type == "Gather":
                result.extend(products.rows(weight, node.input[1], node.output[0]))
            elif node.op_type == "Transpose":
                weights[node.output[0]] = weight.transposed(f"{weight.name}_transposed")
            elif node.op_type == "Conv":
                node.input[1] = self._constant(f"{weight.name}_float", weight.floats())
                result.append(node)
            else:
                raise ValueError(f"{node.op_type} uses quantized weights, which is not converted")
        replace(graph.node, result)

    def _constant(self, name, value):
        if name not in self._added:
            self._added[name] = numpy_helper.from_array(np.asarray(value), name)
        return name


def replace(field, values):
    del field[:]
    field.extend(values)


def main(out, archive, folder):
    out = pathlib.Path(out)
    read = open_archive(archive)
    for source, result in (("encoder_model.ort", "encoder.onnx"), ("decoder_model_merged.ort", "decoder.onnx")):
        model = read_ort(read(f"{folder}/{source}"))
        Rewriter(model.graph).run()
        onnx.checker.check_model(model)
        onnx.save(model, out / result)
    (out / "tokens.txt").write_text(tokens_txt(read(f"{folder}/tokenizer.bin")))


if __name__ == "__main__":
    main(*sys.argv[1:])
