"""Contracts that are planted: a generator for each situation, of a name, what the program must say (or one of several), out
and lse, and whether out alone tells."""
import math

from contracts.numbers import rounded


def flat_as_heads_first(rows, N, G):
    """[N, G, D] memory, read as [G, N, D]."""
    return [rows[g * N + n] for n in range(N) for g in range(G)]


def contracts(p):
    """Name, what the program must say, out and lse, and whether out alone tells."""
    N, H, G, D = p.N, p.H, p.G, p.D
    right = p.attend()
    roll = lambda rows: rows[-1:] + rows[:-1]
    squared = rounded([p.scale * p.scale], "f32")[0]
    yield "scale 1", "scale 1 in place", p.changed(scale=1.0).attend(), True
    yield "scale twice", "scale", p.changed(scale=squared).attend(), True
    yield "scale of another head_dim", "1/sqrt(2 head_dim)", p.changed(scale=1 / math.sqrt(2 * D)).attend(), True
    yield "scale 1.2 times", "1.2 times", p.changed(scale=1.2 * p.scale).attend(), True
    yield "scale doubled", ("twice it", "scale 0.5 in place"), p.changed(scale=2 * p.scale).attend(), True
    yield "sign of slopes", "opposite sign", p.changed(slopes=[-s for s in p.slopes]).attend(), True
    yield "slopes times log2(e)", ("log2(e)", "1.442"), p.changed(slopes=[s * math.log2(math.e) for s in p.slopes]).attend(), True
    yield "slopes counted twice", "counted twice", p.changed(slopes=[2 * s for s in p.slopes]).attend(), True
    yield "slopes one head late", "head before", p.changed(slopes=roll(p.slopes)).attend(), True
    yield "slopes of max_bias 16", "max_bias 16", p.changed(slopes=[s * s for s in p.slopes]).attend(), True
    yield "no bias", "no bias", p.changed(bias=lambda s, d: 0).attend(), True
    yield "bias times scale", "multiplied by the scale", p.changed(bias=lambda s, d: s * d * p.scale).attend(), True
    yield "HND for NHD", "[KV heads, keys, head_dim]", p.changed(
        k=flat_as_heads_first(p.k, N, G), v=flat_as_heads_first(p.v, N, G)).attend(), True
    yield "v alone HND for NHD", "v alone as [KV heads", p.changed(v=flat_as_heads_first(p.v, N, G)).attend(), True
    if H > G:
        yield "KV heads by modulo", "h mod Hkv", p.changed(kv_of=lambda h: h % G).attend(), True
    yield "next KV head", "next KV head", p.changed(kv_of=lambda h: (p.kv_of(h) + 1) % G).attend(), True
    yield "v of the next KV head", "v alone of the next", p.changed(v_of=lambda h: (p.kv_of(h) + 1) % G).attend(), True
    yield "k and v exchanged", "k and v exchanged", p.changed(k=p.v, v=p.k).attend(), True
    yield "newest key missing", "newest key missing", p.changed(visible=lambda n: n < N - 1).attend(), True
    yield "two newest missing", "newest two keys missing", p.changed(visible=lambda n: n < N - 2).attend(), True
    first = (N - 40) // 16 * 16
    yield "a page missing", f"keys {first} to {first + 15} missing", p.changed(
        visible=lambda n: not first <= n < first + 16).attend(), True
    yield "a window", "a window of the newest 21 keys", p.changed(visible=lambda n: n >= N - 21).attend(), True
    yield "a soft cap", ("soft cap of 2", "soft cap of 1.99"), p.changed(cap=2.0).attend(), True
    yield "a sink", "a sink of", p.changed(sink=3.0).attend(), True
    yield "out times 1.1", "the output multiplied by 1.1", ([[1.1 * x for x in row] for row in right[0]], right[1]), True
    yield "a constant in out", "0.06 added to every element", ([[x + 0.06 for x in row] for row in right[0]], right[1]), True
    yield "out doubled", "multiplied by 2", ([[2 * x for x in row] for row in right[0]], right[1]), True
    yield "heads reversed", "in reversed order", (right[0][::-1], right[1][::-1]), True
    yield "heads one late", "one head", (roll(right[0]), roll(right[1])), True
    flat = [x for row in p.q for x in row]
    yield "q transposed", "q as [head_dim, heads]", p.changed(
        q=[[flat[d * H + h] for d in range(D)] for h in range(H)]).attend(), True
    out = [0.0] * (H * D)
    for h in range(H):
        for d in range(D):
            out[d * H + h] = right[0][h][d]
    yield "out transposed", "out as [head_dim, heads]", ([out[i:i + D] for i in range(0, H * D, D)], right[1]), True
    yield "lse in base 2", "lse in base 2", (right[0], [x / math.log(2) for x in right[1]]), False
    yield "biases from 0", "from position 0", (right[0], [x + s * (N - 1) for x, s in zip(right[1], p.slopes)]), False
    shift = lambda rows, by: [rows[min(max(n + by, 0), N - 1) * G + g] for n in range(N) for g in range(G)]
    yield "k of the key after", "k of the key after", p.changed(k=shift(p.k, 1)).attend(), True
    yield "v two places before", "v of the key two places before", p.changed(v=shift(p.v, -2)).attend(), True
    pages = lambda order: [n // 16 if n // 16 >= N // 16 else order(n // 16) for n in range(N)]
    moved = lambda rows, order: [rows[(page * 16 + n % 16) * G + g] for n, page in enumerate(pages(order)) for g in range(G)]
    for name, says, order in (("pages reversed", "pages of 16 keys in reversed order", lambda page: N // 16 - 1 - page),
                              ("pages exchanged", "exchanged two by two", lambda page: page ^ 1),
                              ("pages one late", "one page late", lambda page: (page + 1) % (N // 16))):
        yield name, says, p.changed(k=moved(p.k, order), v=moved(p.v, order)).attend(), True
    yield "k of the next KV head", "k alone of the next", p.changed(
        v_of=p.kv_of, kv_of=lambda h: (p.kv_of(h) + 1) % G).attend(), True
    if H & (H - 1):
        yield "another convention", "slopes of the geometric convention", p.changed(
            slopes=rounded([2 ** (-8 * (h + 1) / H) for h in range(H)], "f32")).attend(), True


def with_mask(p):
    """Of a problem whose mask removes every fifth key and the first nine."""
    N = p.N
    yield "no mask", "no mask: every key visible", p.changed(visible=lambda n: True).attend(), True
    yield "the mask turned", "the mask the other way round", p.changed(visible=lambda n: not p.visible(n)).attend(), True
    let_in = (N - 12) // 5 * 5
    yield "a masked key", f"masked key {let_in} let in", p.changed(visible=lambda n: p.visible(n) or n == let_in).attend(), True
    place = [sum(map(p.visible, range(n + 1))) - 1 for n in range(N)]
    yield "counted positions", "positions counted in visible keys", p.changed(
        place_of=place.__getitem__, position=lambda i: place[N - 1]).attend(), True


def with_sinks(p):
    yield "no sinks", "no learned sinks", p.changed(sinks=None).attend(), True


def with_cap(p):
    """Of a problem with a soft cap before the bias."""
    yield "no cap", "no soft cap", p.changed(cap=None).attend(), True
    yield "cap after", "the soft cap after the bias", p.changed(cap=None, cap_after=p.cap).attend(), True


def with_fp8(p):
    k, v = p.k_scale, p.v_scale
    for name, says, scales in (("scales ignored", "k_scale and v_scale ignored", (1, 1)),
                               ("k_scale ignored", "that of k ignored", (1, v)), ("v_scale ignored", "that of v ignored", (k, 1)),
                               ("scales exchanged", "exchanged", (v, k)), ("scales twice", "taken twice", (k * k, v * v)),
                               ("scales divided by", "divided by", (1 / k, 1 / v))):
        yield name, says, p.changed(k_scale=scales[0], v_scale=scales[1]).attend(), True
    yield "bias times both scales", "multiplied by the scale and by k_scale", p.changed(bias=lambda s, d: s * d * p.scale * k).attend(), True


def with_queries(p):
    """Of a problem with several queries."""
    N, Q = p.N, p.Q
    yield "no causal mask", "all queries see all keys: no causal mask", p.changed(causal=lambda i, n: True).attend(), True
    yield "the mask from the start", "query i sees the first i + 1 keys", p.changed(causal=lambda i, n: n <= i).attend(), True
    yield "own key missing", "no query sees its own key", p.changed(causal=lambda i, n: n < N - Q + i).attend(), True
    yield "the next one's key", "queries see the next one's key", p.changed(causal=lambda i, n: n <= N - Q + i + 1).attend(), True
    yield "one position", "all queries stand where the last one does", p.changed(position=lambda i: N - 1).attend(), False
