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
from onnx import helper, numpy_helper

from archives import open_archive
from moonshine_tokens import tokens_txt
from ort_format import read_ort


class Weight:
    """Weights as stored: `scale * (quantized - zero_point)`."""

    def __init__(self, name, quantized, scale, offset):
        self.name = name
        self.scale = np.float32(scale.item())
        zero_point = -offset.item() / scale.item()
        if abs(zero_point - round(zero_point)) > 1e-3:
            raise ValueError(f"the offset of {name} is not a multiple of its scale")
        # Unsigned: processors without VNNI saturate in products of unsigned and signed bytes.
        self.zero_point = np.uint8(round(zero_point) + 128)
        self.quantized = (quantized.astype(np.int16) + 128).astype(np.uint8)

    def floats(self):
        return self.scale * (self.quantized.astype(np.float32) - np.float32(self.zero_point))


class Rewriter:
    """Replaces the uses of dequantized weights in a graph and its subgraphs."""

    def __init__(self, graph):
        self.graph = graph
        self.weights = {f"{weight.name}_add_tensor": weight for weight in _weights(graph)}
        self.transposed = {}
        self.added = {}

    def run(self):
        dequantized = {
            f"{weight.name}_{step}_tensor" for weight in self.weights.values() for step in ("cast", "mul", "add")
        }
        nodes = [node for node in self.graph.node if node.output[0] not in dequantized]
        self._replace_nodes(self.graph, nodes)
        stored = {
            f"{weight.name}_{part}" for weight in self.weights.values() for part in ("quantized", "scale", "zero_point")
        }
        kept = [tensor for tensor in self.graph.initializer if tensor.name not in stored]
        del self.graph.initializer[:]
        self.graph.initializer.extend(kept)
        self.graph.initializer.extend(self.added.values())

    def _replace_nodes(self, graph, nodes):
        quantized_inputs = set()
        result = []
        # Weights that a subgraph transposes before use, by the name of the result.
        transposed = {
            node.output[0]: self._transpose(self.weights[node.input[0]])
            for node in nodes
            if node.op_type == "Transpose" and node.input[0] in self.weights
        }
        for node in nodes:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    self._replace_nodes(attribute.g, list(attribute.g.node))
            weight = next((self.weights.get(name) or transposed.get(name) for name in node.input
                           if name in self.weights or name in transposed), None)
            if weight is None:
                result.append(node)
            elif node.op_type == "MatMul":
                result.extend(self._integer_product(node, weight, quantized_inputs))
            elif node.op_type == "Gather":
                result.extend(self._gather(node, weight))
            elif node.op_type == "Conv":
                node.input[1] = self._constant(f"{weight.name}_float", weight.floats())
                result.append(node)
            elif node.op_type != "Transpose":
                raise ValueError(f"{node.op_type} uses quantized weights, which is not converted")
        del graph.node[:]
        graph.node.extend(result)

    def _integer_product(self, node, weight, quantized_inputs):
        """x W = (scale of x)(scale of W) (x quantized)(W quantized); one quantization of x serves all its products."""
        x = node.input[0]
        parts = [f"{x}_quantized", f"{x}_scale", f"{x}_zero_point"]
        if x not in quantized_inputs:
            quantized_inputs.add(x)
            yield helper.make_node("DynamicQuantizeLinear", [x], parts)
        product, floats, scale = (f"{node.output[0]}_{part}" for part in ("integer", "cast", "scale"))
        yield helper.make_node(
            "MatMulInteger", [parts[0], self._quantized(weight), parts[2], self._zero_point(weight)], [product]
        )
        yield helper.make_node("Cast", [product], [floats], to=onnx.TensorProto.FLOAT)
        yield helper.make_node("Mul", [parts[1], self._scale(weight)], [scale])
        yield helper.make_node("Mul", [floats, scale], list(node.output))

    def _gather(self, node, weight):
        """Looks rows up before turning them into floats, instead of the whole table."""
        rows = f"{node.output[0]}_rows"
        yield helper.make_node("Gather", [self._quantized(weight), node.input[1]], [rows])
        yield helper.make_node(
            "DequantizeLinear", [rows, self._scale(weight), self._zero_point(weight)], list(node.output)
        )

    def _transpose(self, weight):
        if weight.name not in self.transposed:
            transposed = Weight.__new__(Weight)
            transposed.name = f"{weight.name}_transposed"
            transposed.scale, transposed.zero_point = weight.scale, weight.zero_point
            transposed.quantized = np.ascontiguousarray(weight.quantized.T)
            self.transposed[weight.name] = transposed
        return self.transposed[weight.name]

    def _quantized(self, weight):
        return self._constant(f"{weight.name}_quantized", weight.quantized)

    def _scale(self, weight):
        return self._constant(f"{weight.name}_scale", weight.scale)

    def _zero_point(self, weight):
        return self._constant(f"{weight.name}_zero_point", weight.zero_point)

    def _constant(self, name, value):
        if name not in self.added:
            self.added[name] = numpy_helper.from_array(np.asarray(value), name)
        return name


def _weights(graph):
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for name, tensor in constants.items():
        if name.endswith("_quantized"):
            stem = name.removesuffix("_quantized")
            scale, offset = (numpy_helper.to_array(constants[f"{stem}_{part}"]) for part in ("scale", "zero_point"))
            yield Weight(stem, numpy_helper.to_array(tensor), scale, offset)


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
