#!/usr/bin/python3
"""The training step of a VOLO in PyTorch: forward with mixed tokens, both heads' losses, backward, AdamW with decay groups, EMA.

Architecture as in src/AutoProg.Models/Volo.cs (no bias in q, k, v; exact GELU; eps 1e-5), loss as in src/AutoProg.Ort/Objectives/TokenLabeling.cs.
Prints one JSON document. Runs on Debian 12's python3-torch; see README.md beside this file.
"""

from training_step import decay_groups, measure, parse

SIZES = {  # outlookers, transformer blocks, their widths, heads, MLP ratio, patch, stem's width, pixels, classes
    "volo_d1": ((4, 14), (192, 384), (6, 12), 3, 8, 64, 224, 1000),
    "volo_d2": ((6, 18), (256, 512), (8, 16), 3, 8, 64, 224, 1000),
    "volo_d3": ((8, 28), (256, 512), (8, 16), 3, 8, 64, 224, 1000),
    "volo_micro": ((2, 7), (48, 96), (2, 4), 2, 4, 16, 32, 10),
}


options = parse(__doc__, SIZES, model="volo_d1", batch_size=4, drop_path=(float, 0.1, "rate of the last block"))

import torch  # noqa: E402  (the number of threads is read at import)
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


def drop_path(branch, rate):
    if rate == 0:
        return branch
    keep = torch.rand(branch.shape[0], *[1] * (branch.ndim - 1)) < 1 - rate
    return branch * (keep / (1 - rate))


class Mlp(nn.Sequential):
    def __init__(self, width, ratio):
        super().__init__(nn.Linear(width, width * ratio), nn.GELU(), nn.Linear(width * ratio, width))


class OutlookAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.v = nn.Linear(width, width, bias=False)
        self.attn = nn.Linear(width, 81 * heads)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, rows, columns, width = x.shape
        windows, d = (rows // 2) * (columns // 2), width // self.heads
        v = F.unfold(self.v(x).permute(0, 3, 1, 2), 3, padding=1, stride=2)                       # [B, D 9, L]
        v = v.reshape(batch, self.heads, d, 9, windows).permute(0, 1, 4, 3, 2)                    # [B, H, L, 9, d]
        means = F.avg_pool2d(x.permute(0, 3, 1, 2), 2, 2).flatten(2).transpose(1, 2)              # [B, L, D]
        scores = self.attn(means).reshape(batch, windows, self.heads, 9, 9).permute(0, 2, 1, 3, 4)
        mixed = (scores * d ** -0.5).softmax(dim=-1) @ v                                          # [B, H, L, 9, d]
        mixed = mixed.permute(0, 1, 4, 3, 2).reshape(batch, width * 9, windows)
        return self.proj(F.fold(mixed, (rows, columns), 3, padding=1, stride=2).permute(0, 2, 3, 1))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, tokens, width))


class ClassAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.kv = nn.Linear(width, 2 * width, bias=False)
        self.q = nn.Linear(width, width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        d = width // self.heads
        k, v = self.kv(x).reshape(batch, tokens, 2, self.heads, d).permute(2, 0, 3, 1, 4)
        q = self.q(x[:, :1]).reshape(batch, self.heads, 1, d)
        weights = (q @ k.transpose(-2, -1) * d ** -0.5).softmax(dim=-1)
        return self.proj((weights @ v).reshape(batch, 1, width))


class Block(nn.Module):
    """x + attention(norm(x)), then the same with an MLP; a class block changes the first token alone."""

    def __init__(self, attention, width, heads, ratio, rate=0.0):
        super().__init__()
        self.rate = rate
        self.norm1, self.attn = nn.LayerNorm(width), attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width), Mlp(width, ratio)

    def forward(self, x):
        if isinstance(self.attn, ClassAttention):
            token = x[:, :1] + self.attn(self.norm1(x))
            return torch.cat([token + self.mlp(self.norm2(token)), x[:, 1:]], dim=1)
        x = x + drop_path(self.attn(self.norm1(x)), self.rate)
        return x + drop_path(self.mlp(self.norm2(x)), self.rate)


class Volo(nn.Module):
    def __init__(self, blocks, widths, heads, ratio, patch, stem, pixels, classes, rate):
        super().__init__()
        layers, channels = [], 3
        for kernel, stride in ((7, 2), (3, 1), (3, 1)):
            layers += [nn.Conv2d(channels, stem, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(stem), nn.ReLU()]
            channels = stem
        self.stem = nn.Sequential(*layers, nn.Conv2d(stem, widths[0], patch // 2, patch // 2))
        self.outlookers = nn.Sequential(*[Block(OutlookAttention, widths[0], heads[0], ratio) for _ in range(blocks[0])])
        self.downsample = nn.Conv2d(widths[0], widths[1], 2, 2)
        grid, depth = pixels // patch // 2, sum(blocks)
        self.cls_token = nn.Parameter(torch.randn(1, 1, widths[1]) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, grid * grid, widths[1]) * 0.02)
        self.blocks = nn.Sequential(*[Block(Attention, widths[1], heads[1], ratio, rate * (i + blocks[0]) / (depth - 1)) for i in range(blocks[1])])
        self.readers = nn.Sequential(*[Block(ClassAttention, widths[1], heads[1], ratio) for _ in range(2)])
        self.norm = nn.LayerNorm(widths[1])
        self.head, self.aux_head = nn.Linear(widths[1], classes), nn.Linear(widths[1], classes)

    def forward(self, image, box):
        x = self.stem(image).permute(0, 2, 3, 1)  # [B, 2g, 2g, D0]
        x = exchange(x, [2 * side for side in box])
        x = self.downsample(self.outlookers(x).permute(0, 3, 1, 2))
        grid = x.shape[2]
        x = self.blocks(x.flatten(2).transpose(1, 2) + self.pos_embed)  # [B, g g, D]
        x = self.norm(self.readers(torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)))
        tokens = self.aux_head(x[:, 1:])
        own = exchange(tokens.reshape(x.shape[0], grid, grid, -1), box)
        return self.head(x[:, 0]), own.reshape(tokens.shape)


def exchange(tokens, box):
    """A box of tokens from the image at the mirrored place of the batch."""
    top, left, bottom, right = box
    mixed = tokens.clone()
    mixed[:, top:bottom, left:right] = tokens.flip(0)[:, top:bottom, left:right]
    return mixed


def cross_entropy(logits, target):
    return -(target * F.log_softmax(logits, dim=-1)).sum(dim=-1).mean()


def main():
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    *sizes, patch, stem, pixels, classes = SIZES[options.model]
    pixels = options.img_size or pixels
    model = Volo(*sizes, patch, stem, pixels, classes, options.drop_path)
    optimizer = torch.optim.AdamW(decay_groups(model), lr=1e-3, foreach=options.foreach)
    image = torch.randn(options.batch_size, 3, pixels, pixels)
    target = torch.softmax(torch.randn(options.batch_size, classes), dim=1)
    grid = pixels // patch // 2
    box = (grid // 4, grid // 4, 3 * grid // 4, 3 * grid // 4)
    share = 1 - (box[2] - box[0]) * (box[3] - box[1]) / grid ** 2

    def loss():
        of_class, of_tokens = model(image, box)
        mixed = share * target + (1 - share) * target.flip(0)
        return cross_entropy(of_class, mixed) + 0.5 * cross_entropy(of_tokens, target[:, None])

    measure(options, pixels, list(model.parameters()), optimizer, loss)


if __name__ == "__main__":
    main()
