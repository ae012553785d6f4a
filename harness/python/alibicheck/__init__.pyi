# The signatures for type checkers and editors; docstrings are in the sources. tests/test_types.py holds both together.
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer, TypeAlias

class _HasDLPack(Protocol):
    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...

class _HasArray(Protocol):
    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...

_Array: TypeAlias = _HasDLPack | _HasArray | Buffer
_Numbers: TypeAlias = _Array | Sequence[SupportsFloat] | Sequence[Sequence[SupportsFloat]]
_Path: TypeAlias = str | os.PathLike[str]
_Texts: TypeAlias = str | Iterable[str]
_Slopes: TypeAlias = _Numbers | Literal["bloom", "geometric", "hf", "vllm", "falcon", "none"]
_Scale: TypeAlias = SupportsFloat | Literal["rsqrt"]
_Layout: TypeAlias = Literal["NHD", "HND", "BSHD", "BHSD"]
_SoftCap: TypeAlias = tuple[Literal["before_bias", "after_bias"], SupportsFloat]
_Tensors: TypeAlias = Literal["numpy", "torch"] | Callable[[NDArray[Any]], Any]

__all__ = ["KernelReport", "Refused", "Truth", "Verdict", "assert_attention", "assert_batch_invariant", "assert_deterministic",
           "assert_kernel", "assert_split_invariant", "check_kernel", "judge", "serve", "tolerance", "truth",
           "version"]
__version__: str

class Refused(ValueError): ...

class Truth:
    value: NDArray[np.float64]
    tail: NDArray[np.float64]
    radius: NDArray[np.float64]
    magnitude: NDArray[np.float64]
    lse: NDArray[np.float64]
    lse_tail: NDArray[np.float64]
    lse_radius: NDArray[np.float64]

class _Explanation(dict[str, Any]): ...

class _SequenceVerdict:
    passed: bool
    record: dict[str, Any]
    truth: Truth
    bundle: str | None
    def explain(self, row: SupportsIndex = -1, dim: SupportsIndex = -1) -> _Explanation: ...
    def __bool__(self) -> bool: ...

class Verdict:
    sequences: list[_SequenceVerdict]
    batch: bool
    @property
    def passed(self) -> bool: ...
    @property
    def record(self) -> Any: ...  # dict[str, Any]; of a batch a list of them
    @property
    def truth(self) -> Any: ...  # Truth; of a batch a list of them
    def explain(self, row: SupportsIndex = -1, dim: SupportsIndex = -1, sequence: SupportsIndex = 0) -> _Explanation: ...
    def __bool__(self) -> bool: ...

class KernelReport:
    name: str
    passed: bool
    records: list[dict[str, Any]]
    failures: list[dict[str, Any]]
    skipped: list[dict[str, Any]]
    tracebacks: list[str]
    def __bool__(self) -> bool: ...

def judge(out: _Array, *, q: _Array | None = None, k: _Array | None = None, v: _Array | None = None,
          slopes: _Slopes | None = None, scale: _Scale | None = None, layout: _Layout | None = None,
          lse: _Array | None = None, lse_base: Literal["e", 2] | None = None, positions: _Numbers | SupportsIndex | None = None,
          mask: _Numbers | None = None, seq_lens: _Numbers | None = None, block_table: _Numbers | None = None,
          page_size: SupportsIndex | None = None, kv_indptr: _Numbers | None = None, kv_indices: _Numbers | None = None,
          kv_last_page_len: _Numbers | None = None, kv_offset: SupportsIndex = 0, k_scale: SupportsFloat | None = None,
          v_scale: SupportsFloat | None = None, soft_cap: _SoftCap | None = None, sink_logits: _Numbers | None = None,
          dtypes: dict[str, str] | None = None, kv_cache: _Array | None = None, kv_axis: SupportsIndex | None = None,
          tolerance: Sequence[SupportsFloat] | None = None, class_: str | None = None, other: _Array | None = None,
          other_lse: _Array | None = None, bundle: _Path | None = None, bundle_without_kv: _Path | None = None,
          private_bundle: _Path | None = None, threads: SupportsIndex | None = None) -> Verdict: ...

def assert_attention(
          out: _Array, *, q: _Array | None = None, k: _Array | None = None, v: _Array | None = None,
          slopes: _Slopes | None = None, scale: _Scale | None = None, layout: _Layout | None = None,
          lse: _Array | None = None, lse_base: Literal["e", 2] | None = None, positions: _Numbers | SupportsIndex | None = None,
          mask: _Numbers | None = None, seq_lens: _Numbers | None = None, block_table: _Numbers | None = None,
          page_size: SupportsIndex | None = None, kv_indptr: _Numbers | None = None, kv_indices: _Numbers | None = None,
          kv_last_page_len: _Numbers | None = None, kv_offset: SupportsIndex = 0, k_scale: SupportsFloat | None = None,
          v_scale: SupportsFloat | None = None, soft_cap: _SoftCap | None = None, sink_logits: _Numbers | None = None,
          dtypes: dict[str, str] | None = None, kv_cache: _Array | None = None, kv_axis: SupportsIndex | None = None,
          tolerance: Sequence[SupportsFloat] | None = None, class_: str | None = None, other: _Array | None = None,
          other_lse: _Array | None = None, bundle: _Path | None = None, bundle_without_kv: _Path | None = None,
          private_bundle: _Path | None = None, threads: SupportsIndex | None = None) -> Verdict: ...

# A Truth; of a batch a list of them.
def truth(*, q: _Array | None = None, k: _Array | None = None, v: _Array | None = None, slopes: _Slopes | None = None,
          scale: _Scale | None = None, layout: _Layout | None = None, positions: _Numbers | SupportsIndex | None = None,
          mask: _Numbers | None = None, seq_lens: _Numbers | None = None, block_table: _Numbers | None = None,
          page_size: SupportsIndex | None = None, kv_indptr: _Numbers | None = None, kv_indices: _Numbers | None = None,
          kv_last_page_len: _Numbers | None = None, kv_offset: SupportsIndex = 0, k_scale: SupportsFloat | None = None,
          v_scale: SupportsFloat | None = None, soft_cap: _SoftCap | None = None, sink_logits: _Numbers | None = None,
          dtypes: dict[str, str] | None = None, kv_cache: _Array | None = None, kv_axis: SupportsIndex | None = None,
          threads: SupportsIndex | None = None) -> Any: ...

def check_kernel(function: Callable[..., Any], cases: _Path | Iterable[_Path] = "seed", *, takes: _Texts | None = None,
                 name: str | None = None, arithmetic: str | None = None, head_dims: Iterable[SupportsIndex] | None = None,
                 page_sizes: Iterable[SupportsIndex] | None = None, max_seq_len: SupportsIndex | None = None,
                 tensors: _Tensors = "numpy", device: str | None = None, only: _Texts | None = None,
                 where: _Texts | None = None, set: _Texts | Mapping[str, Any] | None = None, oracles: _Texts | None = "all",
                 timeout: float | None = None, results: _Path | None = None, resume: bool = False,
                 bundles: _Path | None = None, program: _Path | None = None) -> KernelReport: ...

def assert_kernel(function: Callable[..., Any], cases: _Path | Iterable[_Path] = "seed", *, takes: _Texts | None = None,
                  name: str | None = None, arithmetic: str | None = None, head_dims: Iterable[SupportsIndex] | None = None,
                  page_sizes: Iterable[SupportsIndex] | None = None, max_seq_len: SupportsIndex | None = None,
                  tensors: _Tensors = "numpy", device: str | None = None, only: _Texts | None = None,
                  where: _Texts | None = None, set: _Texts | Mapping[str, Any] | None = None, oracles: _Texts | None = "all",
                  timeout: float | None = None, results: _Path | None = None, resume: bool = False,
                  bundles: _Path | None = None, program: _Path | None = None) -> KernelReport: ...

def serve(function: Callable[..., Any], *, name: str | None = None, takes: _Texts | None = None,
          arithmetic: str | None = None, about: str | None = None, head_dims: Iterable[SupportsIndex] | None = None,
          page_sizes: Iterable[SupportsIndex] | None = None, max_seq_len: SupportsIndex | None = None,
          tensors: _Tensors = "numpy", device: str | None = None) -> None: ...

def tolerance(cases: _Path | Iterable[_Path], *, atol: SupportsFloat | None = None, rtol: SupportsFloat | None = None,
              combine: Literal["sum", "either", "both"] | None = None, ratio: SupportsFloat | None = None,
              cosine: SupportsFloat | None = None, nmse: SupportsFloat | None = None, norm: SupportsFloat | None = None,
              lse: SupportsFloat | None = None, arithmetic: str | None = None, seeds: SupportsIndex | None = None,
              only: _Texts | None = None, where: _Texts | None = None, set: _Texts | Mapping[str, Any] | None = None,
              program: _Path | None = None) -> list[dict[str, Any]]: ...

def assert_deterministic(function: Callable[..., Any], *args: Any, runs: SupportsIndex = 3,
                         writes: Sequence[str | int] = (), axes: Sequence[str] = ("row", "head", "dim"), **kwargs: Any) -> None: ...

def assert_batch_invariant(function: Callable[..., Any], *args: Any, batched: Sequence[str | int] | None = None,
                           lengths: str | int | None = None, keys: Mapping[Any, SupportsIndex] | None = None,
                           axes: Sequence[str] = ("row", "head", "dim"), **kwargs: Any) -> None: ...

def assert_split_invariant(function: Callable[..., Any], *args: Any, splits: Mapping[str, Sequence[Any]],
                           axes: Sequence[str] = ("row", "head", "dim"), **kwargs: Any) -> None: ...

def version() -> str: ...
