"""PyTorch and transformers on the CPU.

transformers' attention is run inside its model, one layer deep, which decodes one token behind a cache that holds the
other keys: the projection is replaced by one that gives the problem's q, k and v, and what enters the output projection
is the result. So masks, biases and slopes are the model's own.
"""
import functools
import importlib.metadata
import os
import sys
import warnings

import numpy as np
import torch
import torch.nn.attention
import torch.nn.attention.flex_attention as flex
import transformers

from calls import BF16, OWN_SLOPES, THREADS, Call, bf16_bits, bias_of, with_forms

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from torch_projections import Given, Seen

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
torch.set_grad_enabled(False)
torch.set_num_threads(THREADS)


def tensor(x):
    x = np.ascontiguousarray(x)
    return torch.from_numpy(bf16_bits(x)).view(torch.bfloat16) if x.dtype == BF16 else torch.from_numpy(x)


def array(x):
    x = x.contiguous()
    return x.view(torch.uint16).numpy().view(BF16) if x.dtype == torch.bfloat16 else x.numpy()


def heads_first(q, k, v):
    return tensor(q)[None, :, None], *(tensor(x.transpose(1, 0, 2))[None] for x in (k, v))


def sdpa(backend):
    def run(q, k, v, *, slopes, scale, mask=None, absolute=False):
        bias = tensor(bias_of(slopes, len(k), absolute, mask).astype(q.dtype))[None, :, None]
        with torch.nn.attention.sdpa_kernel(backend):
            return array(torch.nn.functional.scaled_dot_product_attention(
                *heads_first(q, k, v), attn_mask=bias, scale=scale, enable_gqa=len(q) != k.shape[1])[0, :, 0])
    return run


def eager(q, k, v, *, slopes, scale, mask=None, absolute=False):
    bias = tensor(bias_of(slopes, len(k), absolute, mask).astype(q.dtype))[None, :, None]
    q, k, v = heads_first(q, k, v)
    return array((torch.softmax(q @ k.transpose(-1, -2) * scale + bias, -1) @ v)[0, :, 0])


def flex_attention(attention):
    def run(q, k, v, *, slopes, scale, mask=None, absolute=False):
        slopes, first = tensor(slopes), 0 if absolute else 1 - len(k)
        visible = None if mask is None else torch.from_numpy(mask)

        def score(value, batch, head, query, key):
            biased = value + slopes[head] * (key + first)
            return biased if visible is None else torch.where(visible[key], biased, -torch.inf)

        return array(attention(*heads_first(q, k, v), score_mod=score, scale=scale,
                               enable_gqa=len(q) != k.shape[1])[0, :, 0])
    return run


# ---- transformers ----------------------------------------------------------------------------------------------------
@functools.lru_cache(4)
def network_of(model_class, config, heads, dim, keys, dtype):
    """Weights are left unset: none of them is in the way from q, k and v to the result."""
    torch.set_default_dtype(dtype)
    with torch.device("meta"):
        network = model_class(config(heads, dim, keys)).eval()
    torch.set_default_dtype(torch.float32)
    return network.to_empty(device="cpu")


def model(model_class, config, attention_of, projections, fused):
    def run(q, k, v, *, slopes, scale, mask=None):
        """Slopes and scale are the model's: slopes are to be the same, and scale is 1 / sqrt(head_dim)."""
        (heads, dim), last = q.shape, len(k) - 1
        visible = torch.ones(1, len(k), dtype=torch.long) if mask is None else torch.from_numpy(mask).long()[None]
        q, k, v = tensor(q), tensor(k), tensor(v)
        network, seen = network_of(model_class, config, heads, dim, len(k), q.dtype), Seen()
        attention = attention_of(network)
        setattr(attention, projections[0], Given(fused(q, k[last], v[last]).reshape(1, 1, -1)))
        setattr(attention, projections[1], seen)
        cache = transformers.DynamicCache()
        cache.update(*(x[:last].transpose(0, 1)[None].contiguous() for x in (k, v)), 0)
        network(inputs_embeds=torch.zeros(1, 1, heads * dim, dtype=q.dtype), past_key_values=cache, use_cache=True,
                attention_mask=visible)
        return array(seen.seen).reshape(heads, dim)
    return run


def by_head(q, k, v):
    return torch.stack([q, k, v], 1)


def one_after_another(q, k, v):
    return torch.cat([q.flatten(), k.flatten(), v.flatten()])


def bloom_config(heads, dim, keys):
    return transformers.BloomConfig(hidden_size=heads * dim, n_head=heads, n_layer=1, vocab_size=8, bos_token_id=1,
                                    eos_token_id=2)


def mpt_config(heads, dim, keys):
    return transformers.MptConfig(d_model=heads * dim, n_heads=heads, n_layers=1, vocab_size=8, max_seq_len=keys)


def falcon_config(implementation, heads, dim, keys):
    return transformers.FalconConfig(hidden_size=heads * dim, num_attention_heads=heads, num_hidden_layers=1, vocab_size=8,
                                     alibi=True, multi_query=False, new_decoder_architecture=False, parallel_attn=False,
                                     bos_token_id=1, eos_token_id=2, attn_implementation=implementation)


def own(about, function, settings=()):
    return Call(about, function, takes="f16,bf16,f32,alibi,mask", settings=settings,
                where=(*OWN_SLOPES, "scale != 1"))


def falcon(implementation):
    return own(f"transformers, Falcon, `{implementation}`", model(
        transformers.FalconModel, functools.partial(falcon_config, implementation),
        lambda network: network.h[0].self_attention, ("query_key_value", "dense"), by_head), ("slopes=falcon", "head_dim=64"))


BACKEND = torch.nn.attention.SDPBackend
CALLS = {
    **with_forms("torch-sdpa-math", "PyTorch, `scaled_dot_product_attention`, math", sdpa(BACKEND.MATH)),
    **with_forms("torch-sdpa-flash", "PyTorch, `scaled_dot_product_attention`, flash", sdpa(BACKEND.FLASH_ATTENTION)),
    **with_forms("torch-eager", "PyTorch, `softmax(q @ k.mT * scale + bias) @ v`", eager, takes="f16,bf16,f32,alibi,mask"),
    **with_forms("torch-flex-eager", "PyTorch, `flex_attention`", flex_attention(flex.flex_attention)),
    "transformers-bloom": own("transformers, BLOOM", model(
        transformers.BloomModel, bloom_config, lambda network: network.h[0].self_attention, ("query_key_value", "dense"),
        by_head), ("slopes=hf",)),
    "transformers-mpt": own("transformers, MPT", model(
        transformers.MptModel, mpt_config, lambda network: network.blocks[0].attn, ("Wqkv", "out_proj"),
        one_after_another), ("slopes=bloom",)),
    "transformers-falcon-sdpa": falcon("sdpa"),
    "transformers-falcon-eager": falcon("eager"),
}


def versions():
    return {name: importlib.metadata.version(name) for name in ("torch", "transformers")}
