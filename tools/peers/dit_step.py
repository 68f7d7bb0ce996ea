#!/usr/bin/python3
"""The training step of a diffusion transformer in PyTorch: forward, hybrid loss, backward, AdamW, EMA.

Architecture as in src/AutoProg.Models/DiT.cs (adaLN-Zero, tanh GELU, norms without parameters, fixed positions), loss as in
src/AutoProg.Ort/Diffusion/DiffusionLoss.cs. Prints one JSON document. Runs on Debian 12's python3-torch; see README.md beside this file.
"""

import math

from training_step import measure, parse

SIZES = {  # width, depth, heads, patch, side, channels, classes
    **{f"dit_{name}_{patch}": (*size, patch, 32, 4, 1000)
       for name, size in {"s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16), "xl": (1152, 28, 16)}.items() for patch in (2, 4, 8)},
    "dit_micro": (96, 8, 3, 4, 32, 3, 10),
}


options = parse(
    __doc__, SIZES, model="dit_s_2", batch_size=8,
    channels=(int, None, "channels of the latent or image; the model's own if left out"),
    level=(int, 4, "unfreeze level: blocks i with i mod 4 below it learn"))

import torch  # noqa: E402  (the number of threads is read at import)
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


def modulate(x, shift, scale):
    return x * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def attention(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)  # [B, H, N, d]
        weights = (q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(dim=-1)  # [B, H, N, N]
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, tokens, width))

    def forward(self, x, condition):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(condition).chunk(6, dim=1)
        x = x + gate1.unsqueeze(1) * self.attention(modulate(self.norm1(x), shift1, scale1))
        return x + gate2.unsqueeze(1) * self.fc2(F.gelu(self.fc1(modulate(self.norm2(x), shift2, scale2)), approximate="tanh"))


class DiT(nn.Module):
    def __init__(self, width, depth, heads, patch, side, channels, classes):
        super().__init__()
        self.patch = patch
        self.embed = nn.Conv2d(channels, width, patch, patch)
        self.register_buffer("positions", torch.randn(1, (side // patch) ** 2, width))  # what they hold does not change the time
        self.timestep = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.linear = nn.Linear(width, patch * patch * 2 * channels)

    def forward(self, x, t, y):
        batch, _, side, _ = x.shape
        grid = side // self.patch
        frequencies = torch.exp(-math.log(10000) * torch.arange(128) / 128)
        angles = t[:, None].float() * frequencies[None]
        condition = self.timestep(torch.cat([angles.cos(), angles.sin()], dim=1)) + self.label(y)
        x = self.embed(x).flatten(2).transpose(1, 2) + self.positions  # [B, N, D]
        for block in self.blocks:
            x = block(x, condition)
        shift, scale = self.modulation(condition).chunk(2, dim=1)
        x = self.linear(modulate(self.norm(x), shift, scale))
        return torch.einsum("nhwpqc->nchpwq", x.reshape(batch, grid, grid, self.patch, self.patch, -1)).reshape(batch, -1, side, side)


def hybrid_loss(output, noise, t, betas):
    """Squared error of the noise, and the divergence of the posteriors for the variance; timesteps are above 0 here."""
    epsilon, share = output.chunk(2, dim=1)
    alphas = torch.cumprod(1 - betas, 0)
    before = F.pad(alphas[:-1], (1, 0), value=1.0)
    variance = betas * (1 - before) / (1 - alphas)
    low, high = variance[t].log()[:, None, None, None].float(), betas[t].log()[:, None, None, None].float()
    log_variance = (share + 1) / 2 * high + (1 - share) / 2 * low
    coefficient = (betas * before.sqrt() / (1 - alphas) * (1 / alphas - 1).sqrt())[t][:, None, None, None].float()
    distance = coefficient * (noise - epsilon.detach())
    divergence = 0.5 * (log_variance - low - 1 + (low - log_variance).exp() + distance ** 2 * (-log_variance).exp())
    return ((noise - epsilon) ** 2).mean() + divergence.mean() / math.log(2)


def main():
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    width, depth, heads, patch, side, channels, classes = SIZES[options.model]
    side, channels = options.img_size or side, options.channels or channels
    model = DiT(width, depth, heads, patch, side, channels, classes)
    for i, block in enumerate(model.blocks):
        block.requires_grad_(i % 4 < options.level)
    parameters = list(model.parameters())
    learnable = [p for p in parameters if p.requires_grad]
    optimizer = torch.optim.AdamW(learnable, lr=1e-4, weight_decay=0, foreach=options.foreach)
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    noisy, noise = torch.randn(2, options.batch_size, channels, side, side)
    t, y = torch.randint(1, 1000, (options.batch_size,)), torch.randint(0, classes, (options.batch_size,))

    def loss():
        return hybrid_loss(model(noisy, t, y), noise, t, betas)

    measure(options, side, parameters, optimizer, loss, level=options.level)


if __name__ == "__main__":
    main()
