"""A verdict is that of `alibicheck judge` on the same arrays, in every layout and dtype: each field of its record."""
import json
import re
import struct
import subprocess

import numpy as np
import pytest

import alibicheck
import manual
from alibicheck._tensor import NUMPY_DTYPES
from problem import Problem

OPTIONS = {name: "--" + name.replace("_", "-") for name in (
    "q", "k", "v", "out", "other", "lse", "slopes", "mask", "sink_logits", "positions", "seq_lens", "block_table", "kv_indptr",
    "kv_axis", "kv_indices", "kv_last_page_len", "kv_offset", "layout", "scale", "lse_base", "k_scale", "v_scale", "page_size", "soft_cap",
    "tolerance")}
OPTIONS["class_"], OPTIONS["kv_cache"] = "--class", "--kv"
# Which program made the record, and when.
NOT_COMPARED = ("seconds", "settings", "build")


def tensors_of(path):
    """Where the elements of each tensor begin in a .safetensors file."""
    data = path.read_bytes()
    size = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + size])
    return {name: 8 + size + entry["data_offsets"][0] for name, entry in header.items() if name != "__metadata__"}


def words_of(folder, arguments):
    """Arguments of judge as words of the command line, arrays as files."""
    words = []
    for name, value in arguments.items():
        if isinstance(value, np.ndarray):
            path = folder / f"{name}.npy"
            raw = value.dtype.kind == "V" or value.dtype.name.startswith(("float8", "bfloat16"))
            np.save(path, np.ascontiguousarray(value).view(f"uint{8 * value.dtype.itemsize}") if raw else value)
            words += [OPTIONS[name], str(path)]
            for one in ("k", "v") if name == "kv_cache" else (name,):
                dtype = next(n for n, d in NUMPY_DTYPES.items() if d == value.dtype) if raw else None
                words += ["--dtype", f"{one}={dtype}"] if raw else []
        elif isinstance(value, tuple):
            words += [OPTIONS[name], ("=" if isinstance(value[0], str) else ",").join(map(str, value))]
        elif not (name in ("k_scale", "v_scale") and value == 1):
            words += [OPTIONS[name], value if isinstance(value, str) else repr(value)]
    return words


def of_program(program, folder, arguments):
    done = subprocess.run([program, "judge", "--json", *words_of(folder, arguments)], capture_output=True, text=True,
                          check=False)
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_same(program, folder, **arguments):
    verdict = alibicheck.judge(**arguments)
    ours = verdict.record if isinstance(verdict.record, list) else [verdict.record]
    theirs = of_program(program, folder, arguments)
    for one, other in zip(ours, theirs, strict=True):
        for field in NOT_COMPARED:
            one.pop(field), other.pop(field)
        assert one == other
        assert list(one) == list(other)
    assert verdict.passed == all(record["status"] == "pass" for record in theirs)
    return verdict


DTYPES = [("f16", None), ("bf16", None), ("f32", None), ("f16", "e4m3"), ("bf16", "e5m2"), ("f32", "e4m3fnuz")]
LENGTHS = (37, 16, 64)


@pytest.mark.parametrize("queries", [1, 3])
@pytest.mark.parametrize("dtype,kv_dtype", DTYPES)
def test_one_sequence(program, tmp_path, dtype, kv_dtype, queries):
    problem = Problem(dtype, kv_dtype, queries)
    out, arguments = problem.one()
    lse = problem.lse[0] if queries > 1 else problem.lse[0][0]
    assert assert_same(program, tmp_path, out=out, lse=lse, lse_base="e", **arguments)
    arguments.update(layout="HND", k=arguments["k"].transpose(1, 0, 2), v=arguments["v"].transpose(1, 0, 2))
    assert assert_same(program, tmp_path, out=out, lse=(lse / np.log(2)).astype(np.float32), lse_base=2, **arguments)


@pytest.mark.parametrize("layout", ["BSHD", "BHSD"])
@pytest.mark.parametrize("dtype,kv_dtype", DTYPES)
def test_batches(program, tmp_path, dtype, kv_dtype, layout):
    problem = Problem(dtype, kv_dtype, 2, LENGTHS)
    arrays = {"q": np.stack(problem.q), "out": np.stack(problem.out), "k": problem.padded(problem.k, 70),
              "v": problem.padded(problem.v, 70)}
    if layout == "BHSD":
        arrays = {name: array.transpose(0, 2, 1, 3) for name, array in arrays.items()}
    lse = np.stack(problem.lse).transpose(0, 2, 1)
    assert assert_same(program, tmp_path, **arrays, lse=lse, lse_base="e", layout=layout, seq_lens=np.array(LENGTHS),
                       **problem.facts())


@pytest.mark.parametrize("layout", ["NHD", "HND"])
@pytest.mark.parametrize("dtype,kv_dtype", DTYPES)
def test_pages(program, tmp_path, dtype, kv_dtype, layout):
    problem = Problem(dtype, kv_dtype, 1, LENGTHS)
    k, table = problem.pages(problem.k, 16)
    v, same = problem.pages(problem.v, 16)
    assert (table == same).all()
    if layout == "HND":
        k, v = k.transpose(0, 2, 1, 3), v.transpose(0, 2, 1, 3)
    arrays = {"q": np.concatenate(problem.q), "out": np.concatenate(problem.out), "k": k, "v": v,
              "lse": np.concatenate(problem.lse)}
    arguments = dict(arrays, lse_base="e", layout=layout, **problem.facts())
    tables = {"block_table": table, "page_size": 16, "seq_lens": np.array(LENGTHS)}
    assert assert_same(program, tmp_path, **arguments, **tables)
    apart = {name: value for name, value in arguments.items() if name not in ("k", "v")}
    for axis in (0, 1, 4):
        assert assert_same(program, tmp_path, **apart, kv_cache=np.stack([k, v], axis), kv_axis=axis, **tables)
    counts = [-(-n // 16) for n in LENGTHS]
    assert assert_same(program, tmp_path, **arguments, kv_indptr=np.cumsum([0] + counts),
                       kv_indices=np.concatenate([table[b, :n] for b, n in enumerate(counts)]),
                       kv_last_page_len=np.array([(n - 1) % 16 + 1 for n in LENGTHS], np.int32))


def test_what_else_there_is_to_say(program, tmp_path):
    problem = Problem("f32", queries=2)
    out, arguments = problem.one()
    visible = np.arange(37) % 3 != 0
    arguments.update(slopes="hf", scale="rsqrt", positions=100, mask=visible, soft_cap=("before_bias", 30.0),
                     sink_logits=np.array([0.5, -1, 2, 0], np.float32), tolerance=(1e-3, 1e-2, 0.5))
    assert not assert_same(program, tmp_path, out=out, lse=problem.lse[0], lse_base="e", **arguments)
    arguments.update(kv_offset=64, positions=np.array([100]), class_="f32+weights16")
    assert not assert_same(program, tmp_path, out=out, lse=problem.lse[0], lse_base="e", **arguments)
    arguments.update(slopes="none", soft_cap=("after_bias", 20.0), positions=np.array([36]), mask=None)
    del arguments["mask"], arguments["tolerance"], arguments["class_"], arguments["kv_offset"]
    assert not assert_same(program, tmp_path, out=out, **arguments)


def test_wrong_outputs(program, tmp_path):
    problem = Problem("bf16")
    out, arguments = problem.one()
    zero, missing, nan = out.copy(), out.copy(), out.copy()
    zero[1], nan[2, 3] = 0, np.nan
    missing[:] = problem.v[0].astype(np.float64).mean(0).repeat(2, 0)
    for wrong in (zero, missing, nan):
        assert not assert_same(program, tmp_path, out=wrong, **arguments)


def test_which_of_two_is_wrong(program, tmp_path):
    out, arguments = Problem("f16").one()
    wrong = out.copy()
    wrong[1] *= 1.5
    assert assert_same(program, tmp_path, out=out, other=wrong, **arguments)
    assert not assert_same(program, tmp_path, out=wrong, other=out, **arguments)


def test_bundles(program, tmp_path):
    problem = Problem("bf16", "e4m3", lengths=(5, 9))
    out = np.stack(problem.out)
    verdict = alibicheck.judge(
        out, q=np.stack(problem.q), k=problem.padded(problem.k, 9), v=problem.padded(problem.v, 9), layout="BSHD",
        seq_lens=[5, 9], bundle=tmp_path / "b.safetensors", **problem.facts())
    assert [sequence.bundle for sequence in verdict.sequences] == [str(tmp_path / f"b-{i}.safetensors") for i in (0, 1)]
    for sequence in verdict.sequences:
        done = subprocess.run([program, "judge", "--json", sequence.bundle], capture_output=True, text=True, check=True)
        theirs = json.loads(done.stdout)
        for field in set(theirs) - {*NOT_COMPARED, "key", "case"}:
            assert theirs[field] == sequence.record[field], field


@pytest.mark.parametrize("dtype,kv_dtype", [("f16", None), ("bf16", "e4m3")])
def test_private_bundles(program, tmp_path, dtype, kv_dtype):
    """The same verdict, of tensors whose elements nobody finds in place: each time others."""
    out, arguments = Problem(dtype, kv_dtype, queries=2).one()
    out[0, 1] = 0
    contents = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.safetensors"
        ours = alibicheck.judge(out, private_bundle=path, **arguments).record
        done = subprocess.run([program, "judge", "--json", path], capture_output=True, text=True, check=False)
        theirs = json.loads(done.stdout)
        for field in ("status", "mismatched", "class", "signature", "lse_mismatched", "elements"):
            assert theirs[field] == ours[field], field
        assert theirs["input_digest"] != ours["input_digest"]
        contents.append(path.read_bytes()[-out.nbytes * 4:])
    assert contents[0] != contents[1]


@pytest.mark.parametrize("off,cause", [(np.full((2, 4, 32), 0.01), None),  # which is a constant, and no rounding
                                       (0.002 * np.random.default_rng(3).uniform(-1, 1, (2, 4, 32)), "precision-loss")])
def test_what_hides_in_private_bundles(program, tmp_path, off, cause):
    """Errors whose signs nobody can see are not said to be rounding; nor are they in what is written of such a bundle. That they
    have one size is seen."""
    out, arguments = Problem("f16", queries=2).one()
    wrong = (out + off).astype(out.dtype)
    path, folders = tmp_path / "a.safetensors", (tmp_path / "full", tmp_path / "slim")
    ours = alibicheck.judge(wrong, private_bundle=path, **arguments).record
    assert (ours["contract"] is not None, ours["signature"]) == (cause is None, cause or "unknown")
    for _ in range(3):
        alibicheck.judge(wrong, private_bundle=path, **arguments)
        done = subprocess.run([program, "judge", "--json", path, "--bundle", folders[0], "--bundle-without-kv", folders[1]],
                              capture_output=True, text=True, check=False)
        theirs = json.loads(done.stdout)
        for field in ("status", "mismatched", "class"):
            assert theirs[field] == ours[field], field
        assert theirs["signature"] == "unknown" and ("other signs" if cause else "of one size") in theirs["finding"]["detail"]
    full, slim = (next(folder.iterdir()) for folder in folders)
    tensors = [word for name in "qkv" for word in (f"--{name}", f"{full}:{name}")] + ["--layout", "NHD"]
    for words in [full], [slim], [slim, *tensors]:
        done = subprocess.run([program, "judge", "--json", *words], capture_output=True, text=True, check=False)
        again = json.loads(done.stdout)
        assert again["finding"] == theirs["finding"] and again["signature"] == "unknown", done.stderr


@pytest.mark.parametrize("dtype,kv_dtype", [("f16", None), ("bf16", "e4m3"), ("f32", None)])
def test_bundles_without_kv(program, tmp_path, dtype, kv_dtype):
    problem = Problem(dtype, kv_dtype, queries=2)
    out, arguments = problem.one()
    wrong, nan = out.copy(), out.copy()
    wrong[0, 1], nan[1, 2, 3] = 0, np.nan
    visible = np.arange(37) % 3 != 0
    facts = dict(lse=problem.lse[0], lse_base="e", sink_logits=np.array([0.5, -1, 2, 0], np.float32), mask=visible)
    path, full = tmp_path / "b.safetensors", tmp_path / "f.safetensors"

    def again(*words):
        done = subprocess.run([program, "judge", "--json", path, *words], capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)

    near = (out.astype(np.float64) * (1 + 3e-7)).astype(out.dtype)  # of f32 no longer rounded once, and within the tolerance
    cases = (out, {}), (wrong, {}), (nan, facts), (near, {"class_": "output"}), (wrong, {"tolerance": (9, 9)})
    for one, more in cases:
        ours = alibicheck.judge(one, bundle_without_kv=path, **arguments, **more).record
        alibicheck.judge(one, bundle=full, **arguments, **more)
        theirs = again()
        assert theirs["taken_over"]["facts"][:2] == ["truth", "bounds"]
        assert ("signature" in theirs["taken_over"]["facts"]) == (ours["signature"] != "none")
        for field in set(ours) - {*NOT_COMPARED, "taken_over"}:
            assert theirs[field] == ours[field], field
        tensors = [*(word for name in "qkv" for word in (f"--{name}", f"{full}:{name}")), "--layout", "NHD"]
        checked = again(*tensors, *(["--mask", f"{full}:mask"] if "mask" in more else []))
        for field in set(ours) - {*NOT_COMPARED, "mask"}:
            assert checked[field] == ours[field], field
        assert not {"q", "k", "v", "mask"} & set(tensors_of(path))


def test_a_lie_in_a_bundle_without_kv_is_seen(program, tmp_path):
    """A truth that the maker has moved, with digests that fit it, is judged by, and is refused where the tensors are."""
    out, arguments = Problem("f32").one()
    path, full, lie = tmp_path / "b.safetensors", tmp_path / "f.safetensors", tmp_path / "lie.safetensors"
    wrong = out.copy()
    wrong[1, 3] += np.float32(0.5)
    assert not alibicheck.judge(wrong, bundle_without_kv=path, **arguments).passed
    truth = alibicheck.judge(wrong, bundle=full, **arguments).truth
    data = bytearray(path.read_bytes())
    at = tensors_of(path)["truth_value"] + 8 * (truth.value.shape[2] + 3)
    assert struct.unpack_from("<d", data, at)[0] == truth.value[0, 1, 3]
    struct.pack_into("<d", data, at, float(wrong[1, 3]))
    tensors = [*(word for name in "qkv" for word in (f"--{name}", f"{full}:{name}")), "--layout", "NHD"]
    for _ in range(8):  # each digest, and each finding, that does not fit what is there now
        lie.write_bytes(data)
        done = subprocess.run([program, "judge", lie], capture_output=True, text=True, check=False)
        if done.returncode != 2:
            break
        said = re.search(r"(?:digest is |its \w+ was )([\w+-]+) .*?(?:have|has|comes to) ([\w+-]+)", done.stderr)
        assert said, done.stderr
        header = bytes(data[8:8 + struct.unpack_from("<Q", data)[0]])
        mended = header
        for quote in ('"', '\\"'):
            mended = mended.replace(f"{quote}{said[1]}{quote}".encode(), f"{quote}{said[2]}{quote}".encode())
        mended = mended + b" " * (len(header) - len(mended)) if len(mended) <= len(header) else mended.rstrip()
        assert mended != header and len(mended) <= len(header) + 64
        data[8:8 + len(header)] = mended + b" " * (-len(mended) % 64)
        struct.pack_into("<Q", data, 0, len(mended) + -len(mended) % 64)
    assert done.returncode == 0, done.stderr  # it passes, by the truth that is claimed
    done = subprocess.run([program, "judge", lie, *tensors], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "its truth at query 0, head 1, dim 3 is " in done.stderr, done.stderr
    done = subprocess.run([program, "judge", path, *tensors], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "what the bundle says is right" in done.stdout, done.stderr


def test_the_manual_s_tensors(program, tmp_path):
    said, printed = manual.run_judge(program, tmp_path)
    words = ["".join(line.split()) for line in manual.without_figures(printed)]
    said = ["".join(line.split()) for line in manual.without_figures(said)]
    assert len(said) == 9 and words[:len(said)] == said, "\n".join(printed)
