"""Reads ONNX Runtime's own format (`.ort`, a flatbuffer) back into ONNX.

The tables and the order of their fields are those of ONNX Runtime's `ort.fbs`; only what a model's graph needs is read.
"""

import struct

import onnx
from onnx import TensorProto, helper


class Table:
    """A flatbuffer table. Fields are asked for by their position in the schema; a field that is not there is None."""

    def __init__(self, data, at):
        self._data = data
        self._at = at
        self._vtable = at - self._scalar("i", at)

    @staticmethod
    def root(data):
        return Table(data, struct.unpack_from("<I", data, 0)[0])

    def scalar(self, field, form):
        at = self._field(field)
        return None if at is None else self._scalar(form, at)

    def table(self, field):
        at = self._field(field)
        return None if at is None else Table(self._data, self._follow(at))

    def text(self, field):
        at = self._field(field)
        return "" if at is None else self._text(self._follow(at))

    def bytes(self, field):
        at = self._field(field)
        if at is None:
            return b""
        start, length = self._vector(at)
        return bytes(self._data[start : start + length])

    def scalars(self, field, form):
        at = self._field(field)
        if at is None:
            return []
        start, length = self._vector(at)
        return list(struct.unpack_from(f"<{length}{form}", self._data, start))

    def tables(self, field):
        return [Table(self._data, at) for at in self._references(field)]

    def texts(self, field):
        return [self._text(at) for at in self._references(field)]

    def _field(self, field):
        position = 4 + 2 * field
        if position >= self._scalar("H", self._vtable):
            return None
        offset = self._scalar("H", self._vtable + position)
        return None if offset == 0 else self._at + offset

    def _references(self, field):
        at = self._field(field)
        if at is None:
            return []
        start, length = self._vector(at)
        return [self._follow(start + 4 * i) for i in range(length)]

    def _vector(self, at):
        at = self._follow(at)
        return at + 4, self._scalar("I", at)

    def _text(self, at):
        length = self._scalar("I", at)
        return bytes(self._data[at + 4 : at + 4 + length]).decode()

    def _follow(self, at):
        return at + self._scalar("I", at)

    def _scalar(self, form, at):
        return struct.unpack_from(f"<{form}", self._data, at)[0]


def read_ort(data):
    """The `onnx.ModelProto` in the bytes of an `.ort` file."""
    if data[4:8] != b"ORTM":
        raise ValueError("not a file in ORT format")
    model = Table.root(memoryview(data)).table(1)
    opsets = [helper.make_opsetid(opset.text(0), opset.scalar(1, "q")) for opset in model.tables(1)]
    result = helper.make_model(_graph(model.table(7), "main"), opset_imports=opsets)
    result.ir_version = 8
    return result


def _graph(table, name):
    initializers = [_tensor(tensor) for tensor in table.tables(0)]
    types = {argument.text(0): argument.table(2) for argument in table.tables(1)}
    nodes = [_node(node) for node in table.tables(2)]
    constants = {tensor.name for tensor in initializers}
    inputs = [_value(name, types.get(name)) for name in table.texts(5) if name not in constants]
    outputs = [_value(name, types.get(name)) for name in table.texts(6)]
    return helper.make_graph(_in_order(nodes), name, inputs, outputs, initializers)


def _node(table):
    node = onnx.NodeProto(name=table.text(0), domain=table.text(2), op_type=table.text(5))
    node.input.extend(table.texts(8))
    node.output.extend(table.texts(9))
    node.attribute.extend(_attribute(attribute) for attribute in table.tables(10))
    return node


def _attribute(table):
    name, kind = table.text(0), table.scalar(2, "i")
    attribute = onnx.AttributeProto(name=name, type=kind)
    # A flatbuffer leaves out a scalar that has its default value, 0.
    if kind == onnx.AttributeProto.FLOAT:
        attribute.f = table.scalar(3, "f") or 0.0
    elif kind == onnx.AttributeProto.INT:
        attribute.i = table.scalar(4, "q") or 0
    elif kind == onnx.AttributeProto.STRING:
        attribute.s = table.text(5).encode()
    elif kind == onnx.AttributeProto.TENSOR:
        attribute.t.CopyFrom(_tensor(table.table(6)))
    elif kind == onnx.AttributeProto.GRAPH:
        attribute.g.CopyFrom(_graph(table.table(7), name))
    elif kind == onnx.AttributeProto.FLOATS:
        attribute.floats.extend(table.scalars(8, "f"))
    elif kind == onnx.AttributeProto.INTS:
        attribute.ints.extend(table.scalars(9, "q"))
    else:
        raise ValueError(f"attribute {name} has type {kind}, which is not read")
    return attribute


def _tensor(table):
    return TensorProto(
        name=table.text(0), dims=table.scalars(2, "q"), data_type=table.scalar(3, "i") or 0, raw_data=table.bytes(4)
    )


def _value(name, info):
    """The type of a graph's input or output; the type of a subgraph's may be left open."""
    tensor = info.table(2) if info else None
    if tensor is None:
        return onnx.ValueInfoProto(name=name)
    shape = tensor.table(1)
    dimensions = None if shape is None else [_dimension(dimension.table(0)) for dimension in shape.tables(0)]
    return helper.make_tensor_value_info(name, tensor.scalar(0, "i"), dimensions)


def _dimension(value):
    kind_value, kind_name = 1, 2
    kind = None if value is None else value.scalar(0, "b")
    if kind == kind_value:
        return value.scalar(1, "q")
    return value.text(2) if kind == kind_name else None


def _in_order(nodes):
    """`nodes` so that each comes after those whose outputs it uses, as ONNX asks; ORT's order is another."""
    made_here = {output for node in nodes for output in node.output if output}
    waiting = [(node, _uses(node) & made_here) for node in nodes]
    done, ordered = set(), []
    while waiting:
        ready = [node for node, uses in waiting if uses <= done]
        if not ready:
            raise ValueError("the graph has a cycle")
        waiting = [(node, uses) for node, uses in waiting if not uses <= done]
        ordered.extend(ready)
        done.update(output for node in ready for output in node.output)
    return ordered


def _uses(node):
    """The names a node reads, those that its subgraphs read from around them included."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            inner = attribute.g.node
            names |= {name for node in inner for name in _uses(node)} - {name for node in inner for name in node.output}
    return names
