"""tolerance: what `alibicheck tolerance` says, from Python."""
import json
import subprocess

import numpy as np
import pytest

import alibicheck

CASE = """case: small
seq_len: 200
num_heads: 2
head_dim: 64
"""


@pytest.fixture
def case(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(CASE)
    return path


def accepted(answer, of="faults"):
    return {row["name"] for row in answer[of] if row["accepted"]}


def test_what_the_program_says(program, case):
    [answer] = alibicheck.tolerance(case, atol=1e-2, rtol=1e-2, combine="either", seeds=2)
    said = subprocess.run([program, "tolerance", case, "--atol", "1e-2", "--rtol", "1e-2", "--combine", "either", "--seeds", "2",
                           "--json"], capture_output=True, text=True, check=False)
    assert json.loads(said.stdout) == answer
    assert accepted(answer) == {"a leak of 1e-3", "1% too large"}
    assert answer["seeds"] == 2 and answer["class"] == "f32" and "f32" in accepted(answer, "sound")
    assert answer["most_sound"] < answer["least_fault"] < 1


def test_the_rule_that_it_advises_is_right(program, case):
    """Just below what the first fault needs, every fault is refused and what is sound accepted; just above it is let pass."""
    [answer] = alibicheck.tolerance(case, atol=1e-3, rtol=1e-3, arithmetic="f32+weights16", seeds=0)
    for factor, passing in ((0.999, 0), (1.001, 1)):
        limit = 1e-3 * answer["least_fault"] * factor
        [again] = alibicheck.tolerance(case, atol=limit, rtol=limit, arithmetic="f32+weights16", seeds=0)
        assert len(accepted(again)) == passing and "f32+weights16" in accepted(again, "sound")


def test_points_are_chosen_as_elsewhere(program, case):
    answers = alibicheck.tolerance(case, cosine=0.99, seeds=0, set={"seq_len": [2, 3], "dtype": "bf16"}, only="*seq_len=3,*")
    assert len(answers) == 1 and "dtype=bf16" in answers[0]["key"] and answers[0]["rule"]["cosine"] == 0.99


def test_the_problem_of_a_bundle(program, tmp_path):
    rng = np.random.default_rng(7)
    q, k, v = (rng.standard_normal(shape).astype("f4") for shape in ((2, 64), (50, 2, 64), (50, 2, 64)))
    what = {"q": q, "k": k, "v": v, "layout": "NHD", "scale": 0.125, "slopes": "none"}
    path = tmp_path / "bundle.safetensors"
    alibicheck.judge(alibicheck.truth(**what).value[0].astype("f4"), **what, bundle=path)
    [answer] = alibicheck.tolerance(path, atol=1e-5, rtol=1e-5)
    names = {row["name"] for row in answer["faults"]}
    assert answer["seeds"] == 0 and answer["seen"] is None
    assert {"newest key dropped", "KV heads swapped", "zeros"} <= names and "bias dropped" not in names  # it has no bias


def test_what_has_no_finite_number(program, case):
    """Of a rule that allows nothing: numbers that are infinite, and no words."""
    [answer] = alibicheck.tolerance(case, atol=0, rtol=0, lse=0, seeds=1)
    assert answer["most_sound"] == answer["least_fault"] == answer["seen"] == np.inf
    assert all(row["needs"] == np.inf for row in answer["faults"]) and answer["rule"]["combine"] == "sum"
    assert answer["most_sound"] * 1e-3 > 1


@pytest.mark.parametrize("what, said", [
    ({"ratio": 0.5}, "--combine, --ratio: allowed: with --atol and --rtol"),
    ({"seeds": 1.9}, "--seeds 1.9: allowed: whole numbers 0 to 1000"),
    ({"atol": 1e-2}, "--atol, --rtol: allowed: both of them"),
    ({"atol": "wide", "rtol": 0}, "atol 'wide': allowed: a number"),
    ({"atol": True, "rtol": 0}, "atol True: allowed: a number"),
    ({"atol": np.True_, "rtol": 0}, "atol np.True_: allowed: a number"),
    ({"atol": "1", "rtol": 0}, "atol '1': allowed: a number"),
    ({"atol": 0, "rtol": 0, "seeds": "1"}, "seeds '1': allowed: a whole number"),
    ({"cosine": 2}, "--cosine 2.0: allowed: numbers -1 to 1"),
    ({"arithmetic": "f16"}, "unknown class: 'f16'"),
    ({"set": "seq_len=0", "atol": 1, "rtol": 1, "only": "*seq_len=7*"}, "no point has such a key"),
])
def test_refusals(program, case, what, said):
    with pytest.raises(alibicheck.Refused) as refused:
        alibicheck.tolerance(case, **what)
    assert said in str(refused.value) and not str(refused.value).startswith("alibicheck")
