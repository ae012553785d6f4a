"""
The axes of tensors: which axis is heads, which is keys, and that all tensors say the same of each. Letters: B sequences,
Q queries, H heads, G KV heads, D head_dim, N keys; of a pool P pages, S slots of a page.
"""
from ._library import Refused

LAYOUTS = ("NHD", "HND", "BSHD", "BHSD")
LAYOUT_WORDS = ("NHD, HND, BSHD or BHSD: the order of axes in k and v (batch, keys, KV heads, head_dim; N or S are "
                "keys)")
AXES = {"B": "sequences", "Q": "queries", "H": "heads", "G": "KV heads", "D": "head_dim", "N": "keys", "P": "pages",
        "S": "page size"}
GREATEST = {"H": 65536, "D": 1024, "B": 1 << 20, "Q": 1 << 20, "S": 1 << 30, "N": 1 << 30}

_OF_KEYS = {
    "NHD": "[keys, KV heads, head_dim]; in pages [pages, page size, KV heads, head_dim] with block_table or kv_indptr",
    "HND": "[KV heads, keys, head_dim]; in pages [pages, KV heads, page size, head_dim] with block_table or kv_indptr",
    "BSHD": "[sequences, keys, KV heads, head_dim]",
    "BHSD": "[sequences, KV heads, keys, head_dim]"}
_KEY_LETTERS = {"NHD": {3: "NGD"}, "HND": {3: "GND"}, "BSHD": {4: "BNGD"}, "BHSD": {4: "BGND"}}
_PAGE_LETTERS = {"NHD": {4: "PSGD"}, "HND": {4: "PGSD"}}
_LSE_WORDS = ("[heads], [sequences, heads] or, of one sequence, [queries, heads]; with three axes [sequences, queries, "
              "heads] of pages, [sequences, heads, queries] of BSHD and BHSD")


def _query_letters(layout, paged):
    if layout == "BHSD":
        return {2: "HD", 3: "BHD", 4: "BHQD"}, ("[heads, head_dim], [sequences, heads, head_dim] or [sequences, heads, "
                                                "queries, head_dim]")
    if layout == "BSHD" or paged:
        return {2: "HD", 3: "BHD", 4: "BQHD"}, ("[heads, head_dim], [sequences, heads, head_dim] or [sequences, "
                                                "queries, heads, head_dim]")
    return {2: "HD", 3: "QHD"}, ("[heads, head_dim] or [queries, heads, head_dim] of one sequence (four axes: layout "
                                 "BSHD or BHSD)")


def _lse_letters(layout, paged):
    if layout in ("BSHD", "BHSD"):
        return {1: "H", 2: "BH", 3: "BHQ"}
    return {1: "H", 2: "BH", 3: "BQH"} if paged else {1: "H", 2: "QH"}


class Axes:
    """A tensor's axes: for each letter the elements from one to the next, 0 where it has no such axis."""

    def __init__(self, view, letters):
        self.view = view
        self.stride = dict(zip(letters, view.strides))

    def of(self, *letters):
        return [self.stride.get(letter, 0) for letter in letters]

    def address(self, sequence):
        return self.view.address + sequence * self.stride.get("B", 0) * self.view.item_size


class Shape:
    """Lengths of axes, as far as they are known, and which tensor said so first."""

    def __init__(self, layout, paged):
        if layout is None:
            raise Refused(f"layout: is missing; allowed: {LAYOUT_WORDS}")
        if layout not in LAYOUTS:
            raise Refused(f"layout {layout!r}: allowed: {LAYOUT_WORDS}")
        if paged and layout not in _PAGE_LETTERS:
            raise Refused(f"layout {layout!r}: allowed: NHD or HND, with pages")
        self.layout, self.paged = layout, paged
        self.length, self.said_by = {}, {}

    def bind(self, view, letters_of, allowed):
        letters = letters_of.get(len(view.shape))
        if letters is None:
            raise Refused(f"{view.name}: is {list(view.shape)}; allowed: {allowed}")
        for letter, length in zip(reversed(letters), reversed(view.shape)):
            known = self.length.setdefault(letter, length)
            by = self.said_by.setdefault(letter, view.name)
            if known != length:
                raise Refused(f"{view.name}: is {list(view.shape)}, with {length} {AXES[letter]}; allowed: {known}, as "
                              f"{by} has; {allowed}")
        return Axes(view, letters)

    def bind_query(self, view):
        axes = self.bind(view, *_query_letters(self.layout, self.paged))
        for letter in "BQ":  # what q has no axis of is one
            self.length.setdefault(letter, 1)
            self.said_by.setdefault(letter, view.name)
        return axes

    def bind_keys(self, view):
        letters = _PAGE_LETTERS[self.layout] if self.paged else _KEY_LETTERS[self.layout]
        return self.bind(view, letters, _OF_KEYS[self.layout])

    def bind_lse(self, view):
        return self.bind(view, _lse_letters(self.layout, self.paged), _LSE_WORDS)

    def check(self):
        """What tensors say can be."""
        for letter in ("H", "D", "B", "Q", "S" if self.paged else "N"):
            length, least = self.length[letter], 0 if letter == "N" else 1
            if not least <= length <= GREATEST[letter]:
                raise Refused(f"{self.said_by[letter]}: has {length} {AXES[letter]}; allowed: {least} to "
                              f"{GREATEST[letter]}")
        heads, kv_heads = self.length["H"], self.length["G"]
        if kv_heads < 1 or heads % kv_heads:
            raise Refused(f"{self.said_by['G']}: has {kv_heads} KV heads for {heads} query heads; allowed: a divisor of "
                          "them (is layout right?)")
