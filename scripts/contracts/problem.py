"""Attention in double precision, written from its formula."""
import math

from contracts.numbers import nearest_e4m3, rounded


class Problem:
    """q [Q H][D], k and v [N G][D], slopes [H]; fields are replaced by what another contract has. Of fp8 k and v have
    numbers of e4m3, with k_scale and v_scale."""

    def __init__(self, draw, shape, dtype, queries=1, fp8=False):
        self.N, self.H, self.G, self.D = shape
        self.Q, self.dtype, self.fp8 = queries, dtype, fp8
        numbers = lambda count: rounded([draw.gauss(0, 1) for _ in range(count)], dtype)
        of_cache = lambda: [nearest_e4m3(draw.gauss(0, 1)) for _ in range(count)] if fp8 else numbers(count)
        count = self.N * self.G * self.D
        q, k, v = numbers(queries * self.H * self.D), of_cache(), of_cache()
        rows = lambda flat: [flat[i:i + self.D] for i in range(0, len(flat), self.D)]
        self.q, self.k, self.v = rows(q), rows(k), rows(v)  # k and v: row n * G + g
        self.scale = rounded([1 / math.sqrt(self.D)], "f32")[0]
        self.slopes = bloom(self.H)
        self.bias = lambda slope, distance: slope * distance
        self.visible = lambda n: True
        self.causal = lambda i, n: n < self.N - (queries - 1 - i)  # query i
        self.position = lambda i: self.N - queries + i
        self.place_of = lambda n: n  # from which biases are counted
        self.k_scale, self.v_scale = (0.375, 0.75) if fp8 else (1, 1)
        self.kv_of = lambda h: h // (self.H // self.G)
        self.v_of = None
        self.cap = self.cap_after = self.sink = self.sinks = None

    def rows(self):
        """The shape of q and out."""
        return (self.H, self.D) if self.Q == 1 else (self.Q, self.H, self.D)

    def changed(self, **fields):
        other = object.__new__(Problem)
        other.__dict__.update(self.__dict__)
        other.__dict__.update(fields)
        return other

    def logit(self, i, h, n, kv):
        x = self.scale * self.k_scale * sum(a * b for a, b in zip(self.q[i * self.H + h], self.k[n * self.G + kv]))
        if self.cap:
            x = self.cap * math.tanh(x / self.cap)
        x += self.bias(self.slopes[h], self.place_of(n) - self.position(i))
        return self.cap_after * math.tanh(x / self.cap_after) if self.cap_after else x

    def attend_row(self, i, h):
        kv, of_v = self.kv_of(h), (self.v_of or self.kv_of)(h)
        logits = [(self.logit(i, h, n, kv), n) for n in range(self.N) if self.visible(n) and self.causal(i, n)]
        top = max(x for x, _ in logits)
        total = sum(math.exp(x - top) for x, _ in logits)
        sink = self.sinks[h] if self.sinks else self.sink
        if sink is not None:
            total += math.exp(sink - top)
        row = [0.0] * self.D
        for x, n in logits:
            weight = self.v_scale * math.exp(x - top) / total
            for d, value in enumerate(self.v[n * self.G + of_v]):
                row[d] += weight * value
        return row, top + math.log(total)

    def attend(self):
        rows = [self.attend_row(i, h) for i in range(self.Q) for h in range(self.H)]
        return [row for row, _ in rows], [lse for _, lse in rows]


def bloom(heads):
    n = 1 << (heads.bit_length() - 1)
    exact = [2 ** (-8 * (h + 1) / n) for h in range(n)] + [2 ** (-8 * (2 * i + 1) / (2 * n)) for i in range(heads - n)]
    return rounded(exact, "f32")
