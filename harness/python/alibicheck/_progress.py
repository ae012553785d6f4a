"""How far long work has come, on a terminal."""
import contextlib
import os
import sys

REDRAW_S, COLUMNS = 0.2, 80
CLEAR_LINE = "\r\x1b[K"


@contextlib.contextmanager
def _terminal():
    """A descriptor of our own of the terminal that sys.stderr is; None where it is none."""
    try:
        terminal = os.dup(sys.stderr.fileno()) if sys.stderr.isatty() else None  # 2 is another file there
    except (AttributeError, OSError, ValueError):  # None, a notebook's, closed
        terminal = None
    try:
        yield terminal
    finally:
        if terminal is not None:
            os.close(terminal)


@contextlib.contextmanager
def shown_progress():
    """How a child shows on our terminal how far it has come, while its standard error is ours to read: what its environment
    is to have more, and the descriptors that it is to inherit. Nothing of it where sys.stderr is no terminal."""
    with _terminal() as terminal:
        yield ({}, ()) if terminal is None else ({"ALIBICHECK_TERMINAL": str(terminal)}, (terminal,))


def _write(terminal, text):
    with contextlib.suppress(OSError):  # of a terminal that is gone
        os.write(terminal, text.encode())


def _draw(terminal, text):
    try:
        columns = os.get_terminal_size(terminal).columns
    except OSError:
        columns = 0
    _write(terminal, CLEAR_LINE + text[:(columns if columns > 1 else COLUMNS) - 1])


def join_shown(thread, line):
    """Waits for a thread, and shows line() while it works; nothing of work that is shorter than the time between two."""
    with _terminal() as terminal:
        if terminal is None or os.environ.get("TERM") == "dumb":
            thread.join()
            return
        drawn = False
        try:
            thread.join(REDRAW_S)
            while thread.is_alive():
                _draw(terminal, line())
                drawn = True
                thread.join(REDRAW_S)
        finally:
            if drawn:
                _write(terminal, CLEAR_LINE)
