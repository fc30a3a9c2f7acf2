"""Moonshine's `tokenizer.bin` as the `tokens.txt` that sherpa-onnx reads."""

import base64


def tokens_txt(tokenizer):
    """One line per token: its bytes in base64, a space, its id.

    In the file each token is a length and that many bytes. A length under 128 is one byte; a longer one is two:
    128 plus the remainder, then the multiples of 128. A length of 0 is a token without text.
    """
    lines = []
    at = 0
    while at < len(tokenizer):
        length = tokenizer[at]
        at += 1
        if length >= 128:
            length += tokenizer[at] * 128 - 128
            at += 1
        token = tokenizer[at : at + length]
        if len(token) != length:
            raise ValueError("tokenizer.bin ends within a token")
        at += length
        lines.append(f"{base64.b64encode(token).decode()} {len(lines)}\n")
    return "".join(lines)
