#!/usr/bin/python3
"""Recomputes dumped points with mpmath and compares the truth with them. Shares no code with the program.

    independent.py DIR          DIR: what `alibicheck run --dump DIR` wrote, one folder a point

Every product and sum is that of the formula (reference/problem.h), at 80 digits, of which 60 are relied on:
    |truth + tail - exact| <= radius + 1e-60 * sum w|v|/l       what the program claims
    |truth + tail - exact| <= 1e-28 * sum w|v|/l                what is asked of the plain truth
    |truth_lse - exact|    <= 2^-53 * |exact| (1 + 2^-10)       the nearest double
The kernel's figures in point.json (mismatched, max_abs_err, max_lse_err) are recomputed from out and lse as well.
Prints a line a point and the worst figures. Counts points; exit code 1 if one fails.
"""
import json
import pathlib
import sys

import mpmath
import numpy
from mpmath import mpf

mpmath.mp.dps = 80
ASKED = {"plain": mpf("1e-28"), "certified": mpf("inf")}  # relative to sum w|v|/l
RELIED_ON = mpf("1e-60")
LSE = mpf(2) ** -53 * (1 + mpf(2) ** -10)


def numbers(path, dtype):
    """The array at path as float64, which holds every f16, bf16 and f32; bf16 lies there as uint16."""
    array = numpy.load(path)
    if dtype == "bf16":
        assert array.dtype == numpy.uint16, f"{path}: {array.dtype}"
        array = (array.astype(numpy.uint32) << 16).view(numpy.float32)
    return array.astype(numpy.float64)


def exact(values):
    return [mpf(float(value)) for value in values]


class Point:
    def __init__(self, folder):
        self.record = record = json.loads((folder / "point.json").read_text())
        dtype = record["dtype"]
        self.q, self.k, self.v, self.out = (numbers(folder / f"{name}.npy", dtype) for name in ("q", "k", "v", "out"))
        self.truth, self.tail, self.radius, self.truth_lse, self.lse, self.slopes = (
            numbers(folder / f"{name}.npy", None)
            for name in ("truth", "truth_tail", "truth_radius", "truth_lse", "lse", "slopes"))
        if record["num_queries"] == 1:  # rows are heads
            self.q, self.out, self.truth, self.tail, self.radius, self.truth_lse, self.lse = (
                array[None] for array in (self.q, self.out, self.truth, self.tail, self.radius, self.truth_lse, self.lse))
        self.num_queries, self.num_heads, self.head_dim = self.q.shape
        seq_len, num_kv_heads, _ = self.k.shape
        assert record["seq_len"] == seq_len and record["num_kv_heads"] == num_kv_heads
        assert record["num_queries"] == self.num_queries and self.truth_lse.shape == (self.num_queries, self.num_heads)
        self.seq_len = seq_len
        self.group = self.num_heads // num_kv_heads
        self.sinks = numbers(folder / "sink_logits.npy", None) if record["sink_logits"] else None
        removed = record["mask"] or []
        self.visible = [j for j in range(seq_len) if not any(first <= j < end for first, end in removed)]

    def capped(self, where, logit):
        """A soft cap, if the point has one there."""
        cap = (self.record["soft_cap"] or {}).get(where)
        return mpf(cap) * mpmath.tanh(logit / mpf(cap)) if cap else logit

    def attention(self, i, head):
        """Exact out, sum w|v|/l and lse of query i of a head."""
        record, kv_head = self.record, head // self.group
        newer = self.num_queries - 1 - i
        visible = [j for j in self.visible if j < self.seq_len - newer]
        sinks = [] if self.sinks is None else exact(self.sinks[head:head + 1])
        if not visible:
            return [mpf(0)] * self.head_dim, [mpf(0)] * self.head_dim, sinks[0] if sinks else mpf("-inf")
        query, scale, slope = exact(self.q[i, head]), mpf(record["scale"]), mpf(float(self.slopes[head]))
        logits = [self.capped("after_bias", self.capped("before_bias", scale * mpmath.fdot(query, exact(self.k[j, kv_head])))
                              + slope * (j - (record["q_position"] - newer)))
                  for j in visible]
        top = max(logits + sinks)
        weights = [mpmath.exp(logit - top) for logit in logits]
        total = mpmath.fsum(weights + [mpmath.exp(sink - top) for sink in sinks])
        outs, magnitudes = [], []
        for d in range(self.head_dim):
            column = exact(self.v[visible, kv_head, d])
            outs.append(mpmath.fdot(weights, column) / total)
            magnitudes.append(mpmath.fdot(weights, map(abs, column)) / total)
        return outs, magnitudes, top + mpmath.log(total)

    def check(self):
        """(worst error over sum w|v|/l, worst error over radius, worst lse error over |lse|, complaints)"""
        record, complaints = self.record, []
        asked = ASKED[record["truth_method"]]
        worst = worst_radius = worst_lse = max_abs_err = max_lse_err = mpf(0)
        mismatched = 0
        atol, rtol = mpf(record["tolerance"]["atol"]), mpf(record["tolerance"]["rtol"])
        for i, head in ((i, head) for i in range(self.num_queries) for head in range(self.num_heads)):
            outs, magnitudes, lse = self.attention(i, head)
            for d, (out, magnitude) in enumerate(zip(outs, magnitudes)):
                err = abs(mpf(self.truth[i, head, d]) + mpf(self.tail[i, head, d]) - out)
                radius = mpf(self.radius[i, head, d]) + RELIED_ON * magnitude
                if err > radius:
                    complaints.append(f"query {i} head {head} dim {d}: error {mpmath.nstr(err, 5)}, radius {mpmath.nstr(radius, 5)}")
                if err > asked * magnitude:
                    complaints.append(f"query {i} head {head} dim {d}: error {mpmath.nstr(err, 5)}, sum w|v|/l {mpmath.nstr(magnitude, 5)}")
                worst = max(worst, err / magnitude if magnitude else err)
                worst_radius = max(worst_radius, err / radius if radius else err)
                kernel_err = abs(mpf(self.out[i, head, d]) - out)
                max_abs_err = max(max_abs_err, kernel_err)
                mismatched += not kernel_err <= atol + rtol * abs(out)
            if mpmath.isinf(lse):
                if self.truth_lse[i, head] != float("-inf"):
                    complaints.append(f"query {i} head {head}: lse {self.truth_lse[i, head]}, exactly -inf")
                continue
            err = abs(mpf(self.truth_lse[i, head]) - lse)
            if err > LSE * abs(lse):
                complaints.append(f"query {i} head {head}: lse off by {mpmath.nstr(err, 5)}")
            worst_lse = max(worst_lse, err / abs(lse))
            max_lse_err = max(max_lse_err, abs(mpf(float(self.lse[i, head])) - lse))
        if record["mismatched"] != mismatched:
            complaints.append(f"mismatched: {record['mismatched']} in point.json, {mismatched} here")
        for name, here in (("max_abs_err", max_abs_err), ("max_lse_err", max_lse_err)):
            if abs(mpf(record[name]) - here) > mpf("1e-14") * here + mpf(record["truth_radius"]):
                complaints.append(f"{name}: {record[name]} in point.json, {mpmath.nstr(here, 17)} here")
        return worst, worst_radius, worst_lse, complaints


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    figures, passed, failed = [], 0, 0
    for path in sorted(pathlib.Path(arguments[1]).glob("*/point.json")):
        point = Point(path.parent)
        *figure, complaints = point.check()
        figures.append(figure)
        passed, failed = passed + (not complaints), failed + bool(complaints)
        for complaint in complaints[:5]:
            print(f"  FAILED {point.record['key']}: {complaint}")
    if not figures:
        print(f"{arguments[1]}: no point", file=sys.stderr)
        return 2
    worst, worst_radius, worst_lse = (mpmath.nstr(max(column), 3) for column in zip(*figures))
    name = f"reference/tests/independent.py {point.record['truth_method']}"
    print(f"  {'FAILED' if failed else 'ok':6} {name:44} {passed:4} points")
    print(f"         worst: {worst} of sum w|v|/l, {worst_radius} of the radius, lse {worst_lse} of itself")
    print(f"{passed} {failed}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
