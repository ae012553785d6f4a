"""Contracts that go together with others, and what no contract makes right."""
import math

from contracts.planted import flat_as_heads_first


class Fact:
    """A contract that goes together with others: what it is about, what the program must say, how a problem is changed,
    and out and lse, of which at least one is None. The order is that in which they are to be planted."""

    def __init__(self, about, says, problem=None, output=None, lse=None):
        self.about, self.says = about, (says,) if isinstance(says, str) else says
        self.problem, self.output, self.lse = problem, output, lse


def facts(p):
    N, H, G, D = p.N, p.H, p.G, p.D
    roll = lambda rows: rows[-1:] + rows[:-1]
    log2e = math.log2(math.e)
    return [
        Fact("scale", "scale 1 in place", lambda x: x.changed(scale=1.0)),
        Fact("scale", "1/sqrt(2 head_dim)", lambda x: x.changed(scale=1 / math.sqrt(2 * D))),
        Fact("slopes", "opposite sign", lambda x: x.changed(slopes=[-s for s in x.slopes])),
        Fact("slopes", "no bias", lambda x: x.changed(slopes=[0.0] * H)),
        Fact("slopes", "head before", lambda x: x.changed(slopes=roll(x.slopes))),
        Fact("slopes", "max_bias 16", lambda x: x.changed(slopes=[s * s for s in x.slopes])),
        Fact("slopes", ("log2(e)", "1.442"), lambda x: x.changed(slopes=[s * log2e for s in x.slopes])),
        Fact("layout", "k and v as [KV heads, keys, head_dim]",
             lambda x: x.changed(k=flat_as_heads_first(x.k, N, G), v=flat_as_heads_first(x.v, N, G))),
        Fact("layout", "v alone as [KV heads", lambda x: x.changed(v=flat_as_heads_first(x.v, N, G))),
        Fact("kv-heads", "next KV head", lambda x: x.changed(kv_of=lambda h: (p.kv_of(h) + 1) % G)),
        Fact("heads", "in reversed order", output=lambda rows: rows[::-1], lse=lambda lse: lse[::-1]),
        Fact("heads", ("later", "earlier"), output=roll, lse=roll),
        Fact("kv-scales", "multiplied by 2", output=lambda rows: [[2 * x for x in row] for row in rows]),
        Fact("keys", "newest key missing", lambda x: x.changed(visible=lambda n: n < N - 1)),
        Fact("keys", "newest two keys missing", lambda x: x.changed(visible=lambda n: n < N - 2)),
        Fact("keys", "a window of the newest 21 keys", lambda x: x.changed(visible=lambda n: n >= N - 21)),
        Fact("lse", "lse in base 2", lse=lambda lse: [x * log2e for x in lse]),
    ]


def pair_of(p, first, second):
    """Out and lse of a kernel that has both."""
    for fact in (first, second):
        p = fact.problem(p) if fact.problem else p
    out, lse = p.attend()
    for fact in (first, second):
        out = fact.output(out) if fact.output else out
        lse = fact.lse(lse) if fact.lse else lse
    return out, lse


def pairs(p, shape):
    """A third of all pairs: names, what must be said of each, out and lse, whether out alone tells."""
    known = facts(p)
    for i, first in enumerate(known):
        for j, second in enumerate(known[i + 1:], i + 1):
            if first.about != second.about and (i + j) % 3 == shape:
                out, lse = pair_of(p, first, second)
                tells = all(fact.problem or fact.output for fact in (first, second))
                yield f"{first.says[0]} and {second.says[0]}", (first.says, second.says), (out, lse), tells


def no_contracts(p, draw):
    N, H, G, D = p.N, p.H, p.G, p.D
    right = p.attend()
    yield "right", right
    yield "zeros", ([[0.0] * D] * H, right[1])
    mean = [[sum(p.v[n * G + g][d] for n in range(N)) / N for d in range(D)] for g in range(G)]
    yield "mean of v", ([mean[p.kv_of(h)] for h in range(H)], right[1])
    k = list(p.k)
    a, b = 5 * G, (N - 6) * G
    k[a:a + G], k[b:b + G] = k[b:b + G], k[a:a + G]
    yield "two keys exchanged", p.changed(k=k).attend()
    for size in (2e-3, 3e-2):
        for step in (2, 7):
            out = [[x + size * ((h * D + d) % step == 0) for d, x in enumerate(row)] for h, row in enumerate(right[0])]
            yield f"{size:g} in every element of {step}", (out, right[1])
        yield f"{size:g} with signs", ([[x + size * draw.choice((-1, 1)) for x in row] for row in right[0]], right[1])
    for size in (1e-3, 1e-2, 1e-1):
        yield f"noise of {size:g}", ([[x + draw.gauss(0, size) for x in row] for row in right[0]], right[1])
    yield "three contracts", p.changed(k=p.v, v=p.k, scale=1.0, slopes=[-s for s in p.slopes]).attend()
    yield "one row of another problem", ([p.q[0]] + right[0][1:], right[1])
