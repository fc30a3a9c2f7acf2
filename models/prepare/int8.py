"""Matrix products in integers, for graphs that are written or rewritten here.

The weights are unsigned: processors without VNNI saturate in products of unsigned and signed bytes.
"""

import dataclasses

import numpy as np
from onnx import TensorProto, helper


@dataclasses.dataclass
class Weight:
    """Weights of shape (in, out): `scale * (quantized - zero_point)`, with one scale, or one for each output."""

    name: str
    quantized: np.ndarray
    scale: np.ndarray
    zero_point: np.uint8

    def floats(self):
        return self.scale * (self.quantized.astype(np.float32) - np.float32(self.zero_point))

    def transposed(self, name):
        """The same weights the other way round, for weights with one scale."""
        return Weight(name, np.ascontiguousarray(self.quantized.T), self.scale, self.zero_point)


def quantize(name, floats):
    """`floats` of shape (in, out) as weights with one scale for each output."""
    scale = np.maximum(np.abs(floats).max(axis=0), np.float32(1e-12)) / np.float32(127)
    quantized = (np.rint(floats / scale) + 128).astype(np.uint8)
    return Weight(name, np.ascontiguousarray(quantized), scale.astype(np.float32), np.uint8(128))


class Products:
    """Makes the nodes of integer products within one graph. `constant(name, value)` adds an initializer once."""

    def __init__(self, constant):
        self._constant = constant
        self._quantized_inputs = set()

    def product(self, x, weight, output):
        """x W = (scale of x)(scale of W) (x quantized)(W quantized); one quantization of x serves all its products."""
        x_quantized, x_scale, x_zero_point = parts = [f"{x}_{part}" for part in ("quantized", "scale", "zero_point")]
        if x not in self._quantized_inputs:
            self._quantized_inputs.add(x)
            yield helper.make_node("DynamicQuantizeLinear", [x], parts)
        integer, floats, scale = (f"{output}_{part}" for part in ("integer", "cast", "scale"))
        quantized, w_scale, w_zero_point = self._constants(weight)
        yield helper.make_node("MatMulInteger", [x_quantized, quantized, x_zero_point, w_zero_point], [integer])
        yield helper.make_node("Cast", [integer], [floats], to=TensorProto.FLOAT)
        yield helper.make_node("Mul", [x_scale, w_scale], [scale])
        yield helper.make_node("Mul", [floats, scale], [output])

    def rows(self, weight, indices, output):
        """Looks rows up before turning them into floats, instead of the whole table. For weights with one scale."""
        quantized, scale, zero_point = self._constants(weight)
        yield helper.make_node("Gather", [quantized, indices], [f"{output}_rows"])
        yield helper.make_node("DequantizeLinear", [f"{output}_rows", scale, zero_point], [output])

    def _constants(self, weight):
        return [
            self._constant(f"{weight.name}_{part}", value)
            for part, value in (
                ("quantized", weight.quantized),
                ("scale", weight.scale),
                ("zero_point", weight.zero_point),
            )
        ]
