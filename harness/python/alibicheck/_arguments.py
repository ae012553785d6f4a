"""Arguments that a function of the package does not have: what it has is said with the error."""
import difflib
import functools
import inspect

# What other libraries call ours.
ELSEWHERE = {"atol": "tolerance=(atol, rtol)", "rtol": "tolerance=(atol, rtol)", "sm_scale": "scale", "softmax_scale": "scale",
             "alibi_slopes": "slopes", "attn_mask": "mask", "softcap": "soft_cap", "logits_soft_cap": "soft_cap",
             "sinks": "sink_logits", "block_tables": "block_table", "cache_seqlens": "seq_lens", "context_lens": "seq_lens"}


def _advice(name, known):
    near = difflib.get_close_matches(name, known, 1, 0.75)
    meant = ELSEWHERE.get(name, near[0] if near else None)
    is_known = meant is not None and meant.split("=")[0] in known
    return (f"did you mean {meant}? " if is_known else "") + f"allowed: {', '.join(known)}"


def told(function, like=None):
    """The function, which says what is allowed where it is called with arguments that it does not have; it has those of
    `like`, where it hands them on to that."""
    signature = inspect.signature(like or function)
    known = list(signature.parameters)
    by_place = sum(parameter.kind is not parameter.KEYWORD_ONLY for parameter in signature.parameters.values())

    @functools.wraps(function)
    def called(*args, **kwargs):
        __tracebackhide__ = True  # pytest shows the line that calls
        if len(args) > by_place:
            raise TypeError(f"{function.__name__}(): {len(args)} arguments without a name; allowed: {', '.join(known[:by_place])}, "
                            f"and by name {', '.join(known[by_place:])}")
        for name in kwargs:
            if name not in known:
                raise TypeError(f"{function.__name__}(): unknown argument {name!r}; {_advice(name, known)}")
        return function(*args, **kwargs)

    called.__signature__ = signature
    return called


def told_as(like):
    """A decorator: told, of a function that hands its arguments on to `like`."""
    return lambda function: told(function, like)
