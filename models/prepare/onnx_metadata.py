"""Adds sherpa-onnx's metadata to an ONNX file without an ONNX library.

An ONNX file is one protobuf message, `ModelProto`. Its field 14 (`metadata_props`) is a repeated message of a key
(field 1) and a value (field 2). A protobuf decoder accepts repeated fields anywhere, so appending them to the end of
the file is enough.
"""


def with_metadata(model, properties):
    """The bytes of `model` with `properties` (a dict) added."""
    return model + b"".join(
        _field(14, _field(1, key.encode()) + _field(2, str(value).encode())) for key, value in properties.items()
    )


def _field(number, payload):
    length_delimited = 2
    return _varint(number << 3 | length_delimited) + _varint(len(payload)) + payload


def _varint(value):
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
