"""Modules of PyTorch that stand in a model for the projections around its attention: one gives q, k and v, the other keeps
the result. scripts/fidelity and scripts/field run transformers' models with them."""
import torch


class Given(torch.nn.Module):
    """In place of a projection: what it gives, whatever comes in."""

    def __init__(self, out):
        super().__init__()
        self.out, self.weight, self.bias = out, torch.nn.Parameter(torch.zeros(1)), None

    def forward(self, _):
        return self.out


class Seen(torch.nn.Module):
    """In place of the output projection: keeps what comes in."""

    def __init__(self):
        super().__init__()
        self.seen, self.weight, self.bias = None, torch.nn.Parameter(torch.zeros(1)), None

    def forward(self, x):
        self.seen = x.clone()
        return torch.zeros_like(x)
