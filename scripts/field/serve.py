"""A library as a kernel of `alibicheck run --kernel-command`: serve.py ADAPTER CALL; serve.py ADAPTER: its calls, as JSON."""
import importlib
import json
import sys

adapter = importlib.import_module(sys.argv[1] + "_calls")
if len(sys.argv) == 2:
    fields = ("about", "takes", "settings", "where", "bias")
    print(json.dumps({"versions": adapter.versions(), "calls": {name: {field: getattr(call, field) for field in fields}
                                                                for name, call in adapter.CALLS.items()}}))
else:
    import alibicheck
    call = adapter.CALLS[sys.argv[2]]
    alibicheck.serve(call.function, name=sys.argv[2], takes=call.takes, about=call.about, tensors=call.tensors)
