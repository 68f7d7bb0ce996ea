#!/usr/bin/env python3
"""Writes tests/AutoProg.Ort.Tests/Fixtures/torch: files of torch.save as PyTorch really writes them, with values that the tests can compute.

Usage: python3 tools/peers/torch_files.py     (written with PyTorch 1.13.0)
"""
import argparse
import collections
import os
import pathlib

import torch
from torch import nn

os.chdir(pathlib.Path(__file__).parents[2] / "tests/AutoProg.Ort.Tests/Fixtures/torch")

# A state dict of a module carries _metadata, which pickle stores as the state of an OrderedDict. BatchNorm adds an integer buffer.
net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
with torch.no_grad():
    net[0].weight.copy_(torch.arange(6).reshape(2, 3) * 0.5)
    net[0].bias.copy_(torch.tensor([-1.0, 2.0]))
parallel = collections.OrderedDict(("module." + name, value + 1) for name, value in net.state_dict().items())
state = {name: value.clone() for name, value in net.state_dict().items()}
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
net(torch.ones(4, 3)).sum().backward()
optimizer.step()
net.load_state_dict(state)

base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
views = {
    "base": base,
    "transposed": base.t(),
    "rows": base[1:3],
    "columns": base[:, 1::2],
    "scalar": base[2, 3],
    "empty": torch.zeros(0, 5),
    "half": torch.tensor([1.5, -2.0, 2 ** -14]).half(),
    "bf16": torch.tensor([1.5, -3.0]).bfloat16(),
    "double": torch.tensor([0.1, -2.0], dtype=torch.float64),
    "int64": torch.tensor([-3, 1 << 20]),
    "int32": torch.tensor([-7, 5], dtype=torch.int32),
    "uint8": torch.tensor([255, 1], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "parameter": nn.Parameter(torch.tensor([[4.0, 5.0]])),
}

plain = {"epoch": 3, "big": 1 << 70, "note": "Ünicode", "lr": 1e-3, "none": None, "flags": (True, False), "steps": [1, 70000, -1]}
torch.save({**plain, "model": parallel, "ema": net.state_dict(), "opt": optimizer.state_dict()}, "checkpoint.pt")
torch.save(views, "views.pt")
torch.save(views, "protocol4.pt", pickle_protocol=4)
torch.save(net.state_dict(), "legacy.pt", _use_new_zipfile_serialization=False)
torch.save({"model": net.state_dict(), "args": argparse.Namespace(lr=1e-3)}, "namespace.pt")
torch.save(net, "module.pt")
