"""Judging an output against the exact result of the tensors that a kernel was given."""
import json
import os
import shlex
import sys
import threading

import numpy as np

from . import _library as lib
from ._arguments import told, told_as
from ._given import Given, tolerance_of, whole_of
from ._library import Refused
from ._progress import join_shown

SEQUENCES_SHOWN = 4


def _whole(name, number):
    """A whole number that 64 bits hold."""
    return whole_of(name, number, -1 << 63, (1 << 63) - 1, "a whole number")


class Truth:
    """
    The exact result of a sequence, enclosed: |exact - (value + tail)| <= radius. value, tail, radius and magnitude (what
    errors are scaled by, |v_scale| sum_j w_j |v_j| / sum_j w_j) are f64 [queries, heads, head_dim]; lse, lse_tail and
    lse_radius, natural, [queries, heads].
    """

    def __init__(self, handle, given):
        shape = (given.queries, given.heads, given.shape.length["D"])
        for which, name in enumerate(lib.TRUTH_ARRAYS):
            pointer = lib.call("truth_array", handle, which)
            setattr(self, name, np.ctypeslib.as_array(pointer, shape[:2] if name.startswith("lse") else shape).copy())

    def __repr__(self):
        return f"<alibicheck.Truth: {list(self.value.shape)}, radius at most {self.radius.max():.3g}>"


class Verdict:
    """What came of an output: `.passed`, also as bool(); `.record`, a dict with the fields of a record (`alibicheck list
    record-fields`), and `.truth`, of a batch lists of them; str() the message; `.sequences`, a verdict each."""

    def __init__(self, sequences, batch):
        self.sequences, self.batch = sequences, batch

    @property
    def passed(self):
        return all(sequence.passed for sequence in self.sequences)

    @property
    def record(self):
        records = [sequence.record for sequence in self.sequences]
        return records if self.batch else records[0]

    @property
    def truth(self):
        truths = [sequence.truth for sequence in self.sequences]
        return truths if self.batch else truths[0]

    def explain(self, row=-1, dim=-1, sequence=0):
        """Of what an element of the output is made, an Explanation: the keys that weigh most in its row, and where it would
        be without one of them or with one twice. row is query * heads + head; without dim the element of the row that is
        furthest off, without both the worst of all."""
        last = len(self.sequences) - 1
        return self.sequences[whole_of("sequence", sequence, 0, last, f"0 to {last}")].explain(row, dim)

    def __bool__(self):
        return self.passed

    def __str__(self):
        if not self.batch:
            return str(self.sequences[0])
        wrong = [b for b, sequence in enumerate(self.sequences) if not sequence.passed]
        lines = [f"{len(wrong)} of {len(self.sequences)} sequences {'is' if len(wrong) == 1 else 'are'} wrong" if wrong else
                 f"right: all {len(self.sequences)} sequences"]
        for b in wrong[:SEQUENCES_SHOWN]:
            lines.append(f"sequence {b}: {self.sequences[b]}")
        if len(wrong) > SEQUENCES_SHOWN:
            lines.append("and sequences " + ", ".join(map(str, wrong[SEQUENCES_SHOWN:])))
        return "\n".join(lines)

    def __repr__(self):
        return f"<alibicheck.Verdict: {str(self).splitlines()[0]}>"


class Explanation(dict):
    """The field `explanation` of a record, as a dict: query, head, dim, out, truth, error, ulp and terms, a list; str()
    the same as a table."""

    def __init__(self, handle):
        super().__init__(json.loads(lib.call("explanation_json", handle)))
        self._text = lib.call("explanation_text", handle).decode().rstrip("\n")

    def __str__(self):
        return self._text


class SequenceVerdict:
    """The verdict on one sequence; `.bundle` is the path of the bundle that was written, or None: of a wrong output whose
    bundle could not be, the message says why. It keeps the arrays that
    were judged, for explain, which refuses them once they have changed. What is pickled or copied has all but these."""

    def __init__(self, verdict, given, sequence):
        self._verdict, self._given, self._sequence = verdict, given, sequence
        self.passed = bool(lib.call("verdict_passed", verdict))
        self.record = json.loads(lib.call("verdict_json", verdict))
        if given.sequences > 1:
            self.record["key"] += f",sequence={sequence}"
        self._message = lib.call("verdict_message", verdict).decode().rstrip("\n")
        self.truth = Truth(lib.call("verdict_truth", verdict), given)

    def explain(self, row=-1, dim=-1):
        """As Verdict.explain."""
        row, dim = _whole("row", row), _whole("dim", dim)
        if self._verdict is None:
            raise Refused("explain: a verdict that was pickled or copied has no arrays; allowed: the one that judge returned")
        problem = self._given.problem(self._sequence)
        output = self._given.output(self._sequence, self._given.out, self._given.lse)
        return Explanation(lib.Object("explanation", problem, output, self._verdict, row, dim, maker="explain"))

    def __getstate__(self):
        return {**self.__dict__, "_verdict": None, "_given": None}

    def __bool__(self):
        return self.passed

    def __str__(self):
        again = f"\n  to judge it again: alibicheck judge {shlex.quote(self.bundle)}" if self.bundle else ""
        return self._message + again


def _options(tolerance, class_, threads, progress):
    options = lib.Object("options")
    options.set("tolerance", *tolerance_of(tolerance))
    if class_ is not None:
        options.set("class", str(class_).replace("\0", "\\0").encode())  # else its beginning would be meant
    if threads is not None:
        options.set("threads", whole_of("threads", threads, 1, 1024, "1 to 1024"))
    options.set("progress", progress)
    return options


def _bundle_of(bundle, name, sequence, sequences):
    if bundle is None:
        return None
    is_path = isinstance(bundle, (str, bytes, os.PathLike))
    path = os.fsdecode(bundle) if is_path else ""
    if not path.endswith(".safetensors") or "\0" in path:  # of which the library would see the beginning
        raise Refused(f"{name} {path if is_path else bundle!r}: allowed: a path that ends in .safetensors")
    return path if sequences == 1 else f"{path[:-len('.safetensors')]}-{sequence}.safetensors"


def _of_sequences(work, given, progress):
    """
    What work(sequence) makes of each, in a thread of its own, so that Ctrl-C stops it, and so that a forked process has
    OpenMP threads that are its own.
    """
    done, failures = [], []

    def run():
        try:
            for sequence in range(given.sequences):
                done.append(work(sequence))
        except BaseException as failure:  # pylint: disable=broad-except  # raised again below
            failures.append(failure)

    def line():
        step, share = lib.read_progress(progress)
        percent = "" if share is None else f" {share:4.0%}"
        return f"[{min(len(done) + 1, given.sequences)}/{given.sequences}] {step}{percent}"

    thread = threading.Thread(target=run, name="alibicheck", daemon=True)
    thread.start()
    try:
        join_shown(thread, line)
    except BaseException:
        lib.call("progress_cancel", progress)
        thread.join()
        raise
    if failures:
        raise failures[0]
    return done


@told
def judge(out, *, q=None, k=None, v=None, slopes=None, scale=None, layout=None, lse=None, lse_base=None, positions=None,
          mask=None, seq_lens=None, block_table=None, page_size=None, kv_indptr=None, kv_indices=None,
          kv_last_page_len=None, kv_offset=0, k_scale=None, v_scale=None, soft_cap=None, sink_logits=None, dtypes=None,
          kv_cache=None, kv_axis=None, tolerance=None, class_=None, other=None, other_lse=None, bundle=None,
          bundle_without_kv=None, private_bundle=None, threads=None):
    """
    Judges an output of an attention kernel against the exact result of q, k and v.

    Arrays are of any library that knows DLPack or the buffer protocol; none is copied, whatever its strides are.

    kv_cache    k and v in one tensor, in their place, which stand along its axis kv_axis, k first; the other axes are as
                layout says
    layout      axes of k and v, and of q and out with them: "NHD", "HND", "BSHD", "BHSD"
    scale       what q.k is multiplied by; "rsqrt" is 1/sqrt(head_dim)
    slopes      an array with a slope a head; "bloom", "geometric", "hf", "vllm", "falcon"; "none"
    lse         its log-sum-exp, with lse_base "e" or 2
    positions   of the last query, where its bias is 0: a number, or one a sequence (kv_offset + seq_lens - 1)
    kv_offset   of key 0, in a chunk of a longer cache
    mask        visible keys, [N] or [B, N] (all)
    seq_lens    keys of each sequence (all that there is room for)
    block_table, page_size      pages [B, n], with seq_lens
    kv_indptr, kv_indices, kv_last_page_len     pages as FlashInfer has them
    k_scale, v_scale    of k and v in fp8, both of one type (1, and the message says so)
    soft_cap    ("before_bias", C) or ("after_bias", C)
    sink_logits learned sinks, one a head
    dtypes      what raw bits are: {"k": "bf16"}, {"kv_cache": "e4m3"}
    tolerance   (atol, rtol) or (atol, rtol, lse); of the dtype: f16 1e-3, bf16 1e-2, f32 1e-5, each of them
    class_      a class of arithmetic that the output must be in, too: "f32", "f32+weights16"
    other       a second output, with other_lse: which of the two is wrong
    bundle      a path that ends in .safetensors: everything in one file, for `alibicheck judge`; of a batch one a sequence,
                called NAME-0.safetensors, ...
    private_bundle      the same with elements of heads in an order and with signs that nobody knows
    bundle_without_kv   the same without q, k and v: the output, its exact result and the bounds that it was held against
    threads     OMP_NUM_THREADS, or one a CPU, within a container's quota

    Returns a Verdict. What is missing or cannot be raises alibicheck.Refused, a ValueError. Where sys.stderr is a terminal, a
    line there shows how far it has come.
    """
    if out is None:
        raise Refused("out: is missing; allowed: an array")
    given = Given(q, k, v, slopes=slopes, scale=scale, layout=layout, positions=positions, mask=mask, seq_lens=seq_lens,
                  block_table=block_table, page_size=page_size, kv_indptr=kv_indptr, kv_indices=kv_indices,
                  kv_last_page_len=kv_last_page_len, kv_offset=kv_offset, k_scale=k_scale, v_scale=v_scale, soft_cap=soft_cap,
                  sink_logits=sink_logits, dtypes=dtypes, out=out, other=other, lse=lse, other_lse=other_lse,
                  lse_base=lse_base, kv_cache=kv_cache, kv_axis=kv_axis)
    if lse is None and tolerance is not None and tolerance_of(tolerance)[2] >= 0:
        raise Refused(f"tolerance {tolerance!r}: has a number for lse, and there is none; allowed: (atol, rtol), or with lse")
    progress = lib.Object("progress")
    options = _options(tolerance, class_, threads, progress)
    plugin = sys.modules.get("alibicheck_pytest")
    asked = {name: path for name, path in (("bundle", bundle), ("bundle_without_kv", bundle_without_kv),
                                           ("private_bundle", private_bundle)) if path is not None}
    if len(asked) > 1:
        raise Refused(f"{', '.join(asked)}: allowed: one of them")
    if_wrong = not asked and plugin is not None
    if if_wrong:
        asked = plugin.bundles()
    name, where = next(iter(asked.items()), ("bundle", None))

    def judge_sequence(sequence):
        problem = given.problem(sequence)
        output = given.output(sequence, given.out, given.lse)
        second = given.output(sequence, given.other, given.other_lse) if given.other else None
        path = _bundle_of(where, name, sequence, given.sequences)
        options.set(name, os.fsencode(path) if path else None, int(if_wrong))
        made = lib.Object("verdict", problem, output, second, options, maker="judge")
        verdict = SequenceVerdict(made, given, sequence)
        is_there = path is not None and not (if_wrong and verdict.passed) and not lib.call("verdict_bundle_error", made)
        verdict.bundle = path if is_there else None
        return verdict

    verdict = Verdict(_of_sequences(judge_sequence, given, progress), given.sequences > 1)
    for watch in plugin.watches if plugin else ():
        watch(verdict)
    return verdict


@told
def truth(*, q=None, k=None, v=None, slopes=None, scale=None, layout=None, positions=None, mask=None, seq_lens=None,
          block_table=None, page_size=None, kv_indptr=None, kv_indices=None, kv_last_page_len=None, kv_offset=0,
          k_scale=None, v_scale=None, soft_cap=None, sink_logits=None, dtypes=None, kv_cache=None, kv_axis=None, threads=None):
    """The exact result of attention, a Truth, of a batch a list of them; the arguments are those of judge."""
    given = Given(q, k, v, slopes=slopes, scale=scale, layout=layout, positions=positions, mask=mask, seq_lens=seq_lens,
                  block_table=block_table, page_size=page_size, kv_indptr=kv_indptr, kv_indices=kv_indices,
                  kv_last_page_len=kv_last_page_len, kv_offset=kv_offset, k_scale=k_scale, v_scale=v_scale,
                  soft_cap=soft_cap, sink_logits=sink_logits, dtypes=dtypes, kv_cache=kv_cache, kv_axis=kv_axis)
    progress = lib.Object("progress")
    options = _options(None, None, threads, progress)

    def compute(sequence):
        problem = given.problem(sequence)
        return Truth(lib.Object("truth", problem, options, maker="truth_compute"), given)

    truths = _of_sequences(compute, given, progress)
    return truths if given.sequences > 1 else truths[0]


def _cause(verdict):
    """The cause of the first sequence that is wrong, for the first line: all that a summary of many tests shows."""
    records = verdict.record if isinstance(verdict.record, list) else [verdict.record]
    record = next((record for record in records if record["status"] != "pass"), records[0])
    contract, named = record["contract"], record["signature"] not in (None, "none", "unknown")
    if contract and contract["named"]:
        return f": right under: {contract['fits'][0]}"
    if not named:
        wrong = f": {record['mismatched']} of {record['elements']} elements are wrong" if record["mismatched"] else ""
        return f": unknown{wrong}" if record["signature"] == "unknown" else wrong
    detail = (record["finding"] or {}).get("detail")
    return f": {record['signature']}{': ' if detail else ''}{detail or ''}"


@told_as(judge)
def assert_attention(out, **what):
    """Judges an output as judge does, and raises an AssertionError that says what is wrong. Returns the Verdict."""
    __tracebackhide__ = True  # pytest shows the line that calls
    verdict = judge(out, **what)
    if not verdict:
        raise AssertionError(f"attention output{_cause(verdict)}\n{verdict}")
    return verdict
