#!/usr/bin/env python3
"""Writes the goldens of tests/AutoProg.Graphs.Tests/Fixtures: values and gradients of PyTorch at places where finite differences
say nothing (ties, bounds, saturation), and its resampling of small images.

Usage: python3 tools/peers/graph_goldens.py     (written with PyTorch 1.13.0 on a CPU; float64 throughout, seed 0)
"""
import json
import pathlib

import torch
import torch.nn.functional as F

FIXTURES = pathlib.Path(__file__).parents[2] / "tests/AutoProg.Graphs.Tests/Fixtures"
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def special(name, f, *inputs):
    """Values and gradients of sum(f(inputs) * (1, 2, 3, ...))."""
    x = [torch.tensor(i, requires_grad=True) for i in inputs]
    y = f(*x)
    weights = torch.arange(1, y.numel() + 1, dtype=y.dtype).reshape(y.shape)
    (y * weights).sum().backward()
    return {
        "name": name,
        "inputs": [{"shape": list(i.shape), "values": i.detach().flatten().tolist()} for i in x],
        "y": y.detach().flatten().tolist(),
        "gradients": [i.grad.flatten().tolist() for i in x],
    }


LOGITS = [[1000.0, 0.0, -1000.0], [88.0, 88.0, 89.0], [-1000.0, -1000.0, -1000.0]]
TIES = [[1.0, 3.0, 3.0, 2.0], [5.0, 5.0, 5.0, 5.0]]
KINK = [-1.0, 0.0, 1.0]

SPECIAL = [
    special("Softmax", lambda x: x.softmax(-1), LOGITS),
    special("LogSoftmax", lambda x: x.log_softmax(-1), LOGITS),
    special("Gelu", F.gelu, [-40.0, -10.0, -5.0, 0.0, 5.0, 10.0, 40.0]),
    special("Softplus", lambda x: F.softplus(x, threshold=1e9), [-100.0, -20.0, 0.0, 20.0, 100.0]),
    special("Sigmoid", torch.sigmoid, [-100.0, 0.0, 100.0]),
    special("Tanh", torch.tanh, [-100.0, 0.0, 100.0]),
    special("Erf", torch.erf, [-30.0, 0.0, 30.0]),
    special("Pow", torch.pow, [0.0, 0.0, 0.0, 0.0, -2.0, 2.0], [2.0, 1.0, 0.0, 3.5, 2.0, 0.0]),
    special("Max", torch.maximum, [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]),
    special("Min", torch.minimum, [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]),
    special("ReduceMax", lambda x: x.amax(1), TIES),
    special("ReduceMin", lambda x: x.amin(1), TIES),
    special("Clip", lambda x: x.clamp(-1.0, 1.0), [-2.0, -1.0, 0.0, 1.0, 2.0]),
    special("Abs", torch.abs, KINK),
    special("Relu", F.relu, KINK),
    special("LeakyRelu", lambda x: F.leaky_relu(x, 0.1), KINK),
    special("Elu", lambda x: F.elu(x, 0.7), KINK),
    special("HardSigmoid", lambda x: F.hardsigmoid(x * 3), KINK),
]

# The gradient of x^p with respect to p is not a number in PyTorch where x is negative.
for case in SPECIAL:
    if case["name"] == "Pow":
        case["gradients"] = case["gradients"][:1]


def resized(mode, size, output, scale=None):
    x = torch.randn(1, 2, *size)
    if scale is None:
        y = F.interpolate(x, size=output, mode=mode, align_corners=False)
    else:
        y = F.interpolate(x, scale_factor=scale, mode=mode, align_corners=False, recompute_scale_factor=False)
        assert tuple(y.shape[2:]) == tuple(output), y.shape
    return {
        "mode": {"bilinear": "Linear", "bicubic": "Cubic"}[mode],
        "input": list(size),
        "output": list(output),
        "scale": scale,
        "x": x.flatten().tolist(),
        "y": y.flatten().tolist(),
    }


RESIZED = [
    resized(mode, size, output, scale)
    for mode in ("bilinear", "bicubic")
    for size, output, scale in [
        ((4, 4), (6, 6), None),
        ((7, 5), (5, 8), None),
        ((6, 6), (3, 3), None),
        ((1, 3), (4, 2), None),
        ((2, 2), (9, 9), None),
        ((4, 6), (5, 8), [5.1 / 4, 8.1 / 6]),
        ((7, 7), (4, 4), [4.1 / 7, 4.1 / 7]),
    ]
]

FIXTURES.mkdir(parents=True, exist_ok=True)
about = f"tools/peers/graph_goldens.py, PyTorch {torch.__version__}, float64, seed 0"
for name, rows in [("special_values.json", SPECIAL), ("resize.json", RESIZED)]:
    lines = ",\n".join(json.dumps(row) for row in rows)
    (FIXTURES / name).write_text(f'{{"about": {json.dumps(about)}, "rows": [\n{lines}\n]}}\n')
