#!/usr/bin/python3
"""The training step that `autoprog bench` measures, in PyTorch: forward, backward, AdamW with decay groups, EMA.

Architecture as in src/AutoProg.Models/DeiT.cs (timm's names, pre-norm, exact GELU, eps 1e-6, no distillation token).
Prints one JSON document. Runs on Debian 12's python3-torch; see README.md beside this file.
"""

import argparse
import json
import os
import resource
import statistics
import time

SIZES = {  # width, depth, heads, MLP ratio, patch, pixels, classes
    "deit_tiny": (192, 12, 3, 4, 16, 224, 1000),
    "deit_small": (384, 12, 6, 4, 16, 224, 1000),
    "deit_base": (768, 12, 12, 4, 16, 224, 1000),
    "deit_micro": (96, 6, 3, 2, 4, 32, 10),
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--model", choices=SIZES, default="deit_small")
    parser.add_argument("--img-size", type=int, help="pixels; the model's own if left out")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=10, help="measured steps")
    parser.add_argument("--warmup-steps", type=int, default=2)
    parser.add_argument("--drop-path", type=float, default=0.1)
    parser.add_argument("--ema-decay", type=float, default=0.998)
    parser.add_argument("--foreach", action="store_true", help="AdamW over lists of tensors instead of one by one")
    return parser.parse_args()


options = parse()
os.environ.setdefault("OPENBLAS_NUM_THREADS", str(options.threads))
os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))

import torch  # noqa: E402  (the number of threads is read at import)
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


def drop_path(branch, rate):
    if rate == 0:
        return branch
    keep = torch.rand(branch.shape[0], 1, 1) < 1 - rate
    return branch * (keep / (1 - rate))


class Block(nn.Module):
    def __init__(self, width, heads, ratio, rate):
        super().__init__()
        self.heads, self.rate = heads, rate
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.fc1 = nn.Linear(width, width * ratio)
        self.fc2 = nn.Linear(width * ratio, width)

    def attention(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)  # [B, H, N, d]
        weights = (q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(dim=-1)  # [B, H, N, N]
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, tokens, width))

    def forward(self, x):
        x = x + drop_path(self.attention(self.norm1(x)), self.rate)
        return x + drop_path(self.fc2(F.gelu(self.fc1(self.norm2(x)))), self.rate)


class DeiT(nn.Module):
    def __init__(self, width, depth, heads, ratio, patch, pixels, classes, rate):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, patch, patch)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + (pixels // patch) ** 2, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width, heads, ratio, rate * i / max(1, depth - 1)) for i in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, classes)

    def forward(self, image):
        patches = self.patch_embed(image).flatten(2).transpose(1, 2)  # [B, n, D]
        x = torch.cat([self.cls_token.expand(image.shape[0], -1, -1), patches], dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(x)[:, 0]))


def groups(model):
    """No decay for biases, norms, tokens and positions, as timm does it."""
    plain = [p for name, p in model.named_parameters() if p.ndim <= 1 or name in ("cls_token", "pos_embed")]
    decayed = [p for name, p in model.named_parameters() if not (p.ndim <= 1 or name in ("cls_token", "pos_embed"))]
    return [{"params": plain, "weight_decay": 0.0}, {"params": decayed, "weight_decay": 0.05}]


def main():
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    width, depth, heads, ratio, patch, pixels, classes = SIZES[options.model]
    pixels = options.img_size or pixels
    model = DeiT(width, depth, heads, ratio, patch, pixels, classes, options.drop_path)
    optimizer = torch.optim.AdamW(groups(model), lr=1e-3, foreach=options.foreach)
    parameters = list(model.parameters())
    momentum = [p.detach().clone() for p in parameters]
    image = torch.randn(options.batch_size, 3, pixels, pixels)
    target = torch.softmax(torch.randn(options.batch_size, classes), dim=1)  # soft targets, as mixup makes them

    forward_backward, update = [], []
    for _ in range(options.warmup_steps + options.steps):
        optimizer.zero_grad(set_to_none=True)
        started = time.perf_counter()
        loss = -(target * F.log_softmax(model(image), dim=1)).sum(dim=1).mean()
        loss.backward()
        between = time.perf_counter()
        optimizer.step()
        with torch.no_grad():
            for average, parameter in zip(momentum, parameters):
                average.lerp_(parameter, 1 - options.ema_decay)
        forward_backward.append(between - started)
        update.append(time.perf_counter() - between)

    def median(times):
        return round(1000 * statistics.median(times[options.warmup_steps:]), 3)

    print(json.dumps({
        "model": options.model,
        "resolution": pixels,
        "batch_size": options.batch_size,
        "threads": options.threads,
        "steps": options.steps,
        "torch": torch.__version__,
        "parameters": sum(p.numel() for p in parameters),
        "loss": round(loss.item(), 5),
        "step_ms": median([a + b for a, b in zip(forward_backward, update)]),
        "forward_backward_ms": median(forward_backward),
        "update_ms": median(update),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }))


if __name__ == "__main__":
    main()
