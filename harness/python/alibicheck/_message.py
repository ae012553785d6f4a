"""Messages between the program and a kernel, as kernel_message.h has them: each 8 bytes with its length, little-endian,
and so many bytes, a file in the .safetensors format."""
import json
import os
import struct

import numpy as np

from ._tensor import NUMPY_DTYPES

DTYPES = {"F16": "f16", "BF16": "bf16", "F32": "f32", "F8_E4M3": "e4m3", "F8_E5M2": "e5m2", "F8_E4M3FNUZ": "e4m3fnuz",
          "U8": "uint8", "I32": "int32"}
_NAMES = {name: dtype for dtype, name in DTYPES.items()}


def plain(text, room=400):
    """The text as a line that every reader of JSON takes, of at most so many bytes."""
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split()).encode()
    return (line if len(line) <= room else line[:room - 3] + b"...").decode(errors="ignore")


# ---- sending -------------------------------------------------------------------------------------------------------

def pieces_of(metadata, tensors):
    """The message as buffers to be written one behind the other; tensors are {name: (dtype, contiguous array)}."""
    header, begin = {"__metadata__": metadata}, 0
    for name, (dtype, array) in tensors.items():
        header[name] = {"dtype": _NAMES[dtype], "shape": list(array.shape), "data_offsets": [begin, begin + array.nbytes]}
        begin += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pieces = [struct.pack("<QQ", 8 + len(text) + begin, len(text)) + text]
    return pieces + [array.reshape(-1).view(np.uint8) for _, array in tensors.values() if array.size]


def send(descriptor, pieces):
    for piece in pieces:
        rest = memoryview(piece)
        while len(rest):
            rest = rest[os.write(descriptor, rest):]


# ---- receiving -----------------------------------------------------------------------------------------------------

def _read(descriptor, size):
    """So many bytes; None if there are no more before that."""
    content = np.empty(size, np.uint8)
    rest = memoryview(content)
    while len(rest):
        count = os.readv(descriptor, [rest])
        if count == 0:
            return None
        rest = rest[count:]
    return content


def receive(descriptor):
    """Metadata, and tensors as {name: array}, which are views of what was read; None where the pipe has ended."""
    length = _read(descriptor, 8)
    content = None if length is None else _read(descriptor, int(length.view("<u8")[0]))
    if content is None:
        return None
    first = 8 + int(content[:8].view("<u8")[0])
    header = json.loads(content[8:first].tobytes())
    metadata, tensors = header.pop("__metadata__", {}), {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = content[first + begin:first + end].view(NUMPY_DTYPES[DTYPES[entry["dtype"]]]).reshape(entry["shape"])
    return metadata, tensors
