"""Numbers as tensors have them, and files of them."""
import bisect
import struct


def bf16_bits(x):
    bits = struct.unpack("<I", struct.pack("<f", x))[0]
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16 & 0xffff


def e4m3_value(byte):
    exponent, mantissa = byte >> 3 & 15, byte & 7
    size = (8 + mantissa) * 2.0 ** (exponent - 10) if exponent else mantissa * 2.0 ** -9
    return -size if byte & 128 else size


E4M3 = sorted((e4m3_value(byte), byte) for byte in range(256) if byte & 127 != 127 and byte != 128)
E4M3_BYTES = dict(E4M3)


def nearest_e4m3(x):
    """One of those nearest to a number."""
    at = min(bisect.bisect(E4M3, (x, 0)), len(E4M3) - 1)
    return min(E4M3[max(at - 1, 0)][0], E4M3[at][0], key=lambda value: abs(value - x))


def pack(values, dtype):
    if dtype in ("e4m3", "bool"):
        return bytes(map(E4M3_BYTES.__getitem__ if dtype == "e4m3" else bool, values))
    if dtype == "bf16":
        return struct.pack(f"<{len(values)}H", *map(bf16_bits, values))
    return struct.pack(f"<{len(values)}{'e' if dtype == 'f16' else 'f'}", *values)


def rounded(values, dtype):
    data = pack(values, dtype)
    if dtype == "bf16":
        words = struct.unpack(f"<{len(values)}H", data)
        return list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}I", *(w << 16 for w in words))))
    return list(struct.unpack(f"<{len(values)}{'e' if dtype == 'f16' else 'f'}", data))


def write_npy(path, data, shape, descr):
    header = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (descr, "".join(f"{n}, " for n in shape))
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)
