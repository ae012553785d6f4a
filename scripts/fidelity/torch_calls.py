"""PyTorch and transformers on the CPU.

transformers' attention is run inside its model, one layer deep, which decodes one token behind a cache that holds the
other keys: the projection is replaced by one that gives the problem's q, k and v, and what enters the output projection
is the result. So masks, biases and slopes are the model's own.
"""
import importlib.metadata
import os
import sys
import warnings

import numpy as np
import torch
import torch.nn.attention
import torch.nn.attention.flex_attention as flex
import transformers

from problem import main, stored

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from torch_projections import Given, Seen

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
torch.set_grad_enabled(False)
torch.set_num_threads(2)
DTYPES = {"f16": torch.float16, "bf16": torch.bfloat16}


def tensor(x):
    x = torch.from_numpy(np.ascontiguousarray(x))
    return x.view(torch.bfloat16) if x.dtype == torch.uint16 else x


def array(x):
    x = x.contiguous()
    return (x.view(torch.uint16) if x.dtype == torch.bfloat16 else x).numpy()


def heads_first(problem):
    return (tensor(problem.q)[None, :, None], *(tensor(x.transpose(1, 0, 2))[None] for x in (problem.k, problem.v)))


def mask(problem):
    return tensor(stored(problem.bias(), problem.dtype))[None, :, None]


def sdpa(backend):
    def run(problem):
        q, k, v = heads_first(problem)
        with torch.nn.attention.sdpa_kernel(backend):
            return array(torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask(problem),
                                                                          scale=problem.scale))
    return run


def eager(problem):
    q, k, v = heads_first(problem)
    return array(torch.softmax(q @ k.transpose(-1, -2) * problem.scale + mask(problem), -1) @ v)


def flex_attention(attention):
    def run(problem):
        slopes, last = tensor(problem.slopes), problem.keys - 1
        score = lambda score, batch, head, query, key: score + slopes[head] * (key - last)
        return array(attention(*heads_first(problem), score_mod=score, scale=problem.scale))
    return run


# ---- transformers ----------------------------------------------------------------------------------------------------
def model(problem, model_class, config, attention_of, projections, fused):
    width, last = problem.heads * problem.dim, problem.keys - 1
    q, k, v = tensor(problem.q), tensor(problem.k), tensor(problem.v)
    network = model_class(config(problem, width)).eval()
    attention, seen = attention_of(network), Seen()
    setattr(attention, projections[0], Given(fused(q, k[last], v[last]).reshape(1, 1, -1)))
    setattr(attention, projections[1], seen)
    network = network.to(DTYPES[problem.dtype])
    cache = transformers.DynamicCache()
    cache.update(*(x[:last].transpose(0, 1)[None].contiguous() for x in (k, v)), 0)
    network(inputs_embeds=torch.zeros(1, 1, width, dtype=q.dtype), past_key_values=cache, use_cache=True,
            attention_mask=torch.ones(1, problem.keys, dtype=torch.long))
    return array(seen.seen)


def by_head(q, k, v):
    return torch.stack([q, k, v], 1)


def one_after_another(q, k, v):
    return torch.cat([q.flatten(), k.flatten(), v.flatten()])


def bloom(problem):
    return model(problem, transformers.BloomModel, lambda p, width: transformers.BloomConfig(
        hidden_size=width, n_head=p.heads, n_layer=1, vocab_size=8, bos_token_id=1, eos_token_id=2),
        lambda network: network.h[0].self_attention, ("query_key_value", "dense"), by_head)


def mpt(problem):
    return model(problem, transformers.MptModel, lambda p, width: transformers.MptConfig(
        d_model=width, n_heads=p.heads, n_layers=1, vocab_size=8, max_seq_len=p.keys),
        lambda network: network.blocks[0].attn, ("Wqkv", "out_proj"), one_after_another)


def falcon(implementation):
    return lambda problem: model(problem, transformers.FalconModel, lambda p, width: transformers.FalconConfig(
        hidden_size=width, num_attention_heads=p.heads, num_hidden_layers=1, vocab_size=8, alibi=True, multi_query=False,
        new_decoder_architecture=False, parallel_attn=False, bos_token_id=1, eos_token_id=2,
        attn_implementation=implementation),
        lambda network: network.h[0].self_attention, ("query_key_value", "dense"), by_head)


BACKEND = torch.nn.attention.SDPBackend
main({
    "torch-sdpa-math": sdpa(BACKEND.MATH),
    "torch-sdpa-flash": sdpa(BACKEND.FLASH_ATTENTION),
    "torch-eager": eager,
    "torch-flex-eager": flex_attention(flex.flex_attention),
    # dynamic=False: the C++ that 2.15.0 generates for lengths that change does not compile.
    "torch-flex-compiled": flex_attention(torch.compile(flex.flex_attention, dynamic=False)),
    "transformers-bloom": bloom,
    "transformers-mpt": mpt,
    "transformers-falcon-eager": falcon("eager"),
    "transformers-falcon-sdpa": falcon("sdpa"),
}, {name: importlib.metadata.version(name) for name in ("torch", "transformers")})
