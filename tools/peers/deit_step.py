#!/usr/bin/python3
"""The training step that `autoprog bench` measures, in PyTorch: forward, backward, AdamW with decay groups, EMA.

Architecture as in src/AutoProg.Models/DeiT.cs (timm's names, pre-norm, exact GELU, eps 1e-6, no distillation token).
Prints one JSON document. Runs on Debian 12's python3-torch; see README.md beside this file.
"""

from training_step import decay_groups, measure, parse

SIZES = {  # width, depth, heads, MLP ratio, patch, pixels, classes
    "deit_tiny": (192, 12, 3, 4, 16, 224, 1000),
    "deit_small": (384, 12, 6, 4, 16, 224, 1000),
    "deit_base": (768, 12, 12, 4, 16, 224, 1000),
    "deit_micro": (96, 6, 3, 2, 4, 32, 10),
}


options = parse(__doc__, SIZES, model="deit_small", batch_size=8, drop_path=(float, 0.1, "rate of the last block"))

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


def main():
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    width, depth, heads, ratio, patch, pixels, classes = SIZES[options.model]
    pixels = options.img_size or pixels
    model = DeiT(width, depth, heads, ratio, patch, pixels, classes, options.drop_path)
    optimizer = torch.optim.AdamW(decay_groups(model), lr=1e-3, foreach=options.foreach)
    image = torch.randn(options.batch_size, 3, pixels, pixels)
    target = torch.softmax(torch.randn(options.batch_size, classes), dim=1)  # soft targets, as mixup makes them

    def loss():
        return -(target * F.log_softmax(model(image), dim=1)).sum(dim=1).mean()

    measure(options, pixels, list(model.parameters()), optimizer, loss)


if __name__ == "__main__":
    main()
