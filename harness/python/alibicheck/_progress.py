"""How far long work has come, on a terminal."""
import contextlib
import os
import sys


@contextlib.contextmanager
def shown_progress():
    """How a child shows on our terminal how far it has come, while its standard error is ours to read: what its environment
    is to have more, and the descriptors that it is to inherit. Nothing of it where sys.stderr is no terminal."""
    try:
        terminal = os.dup(sys.stderr.fileno()) if sys.stderr.isatty() else None  # 2 is another file there
    except (AttributeError, OSError, ValueError):  # None, a notebook's, closed
        terminal = None
    if terminal is None:
        yield {}, ()
        return
    try:
        yield {"ALIBICHECK_TERMINAL": str(terminal)}, (terminal,)
    finally:
        os.close(terminal)
