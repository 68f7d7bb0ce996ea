#!/usr/bin/python3
"""Writes folders of goldens that `autoprog parity` reads: loss, output, gradients and running statistics of a training step of torchvision's models, computed in float64 from
float32 weights and rounded once. Runs on Debian 12's python3-torchvision and python3-onnx.

Where float32 rounds a number to the other side of zero, the gradient of ReLU is another one. In a ResNet-50 of random weights that makes 2% of PyTorch's own float32 gradients;
--smooth puts GELU in its place, so that everything else can be compared.

  tools/peers/torchvision_goldens.py --output goldens --batch-size 2 --batch-norm eval resnet50 vit_b_16
  autoprog parity goldens/*
"""

import argparse
import copy
import json
import pathlib
import struct

import torch
from torch import nn
from torch.nn import functional as F

from torchvision_models import FULL_SIZE, MICRO, export, made

TYPES = {torch.float32: "F32", torch.int64: "I64"}


def write_safetensors(path, tensors):
    header, blocks, offset = {}, [], 0
    for name, tensor in tensors.items():
        blocks.append(tensor.contiguous().numpy().tobytes())
        header[name] = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blocks[-1])]}
        offset += len(blocks[-1])
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def step(model, image, labels):
    """Output, loss, gradients by name, and running statistics after the step."""
    output = model(image)
    loss = F.cross_entropy(output, labels)
    loss.backward()
    return {
        "output": output.detach(),
        "loss": loss.detach(),
        **{f"grad.{name}": parameter.grad for name, parameter in model.named_parameters()},
        **{f"buffer.{name}.{kind}": getattr(module, kind) for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d) and module.training
           for kind in ("running_mean", "running_var")},
    }


def prepare(model, image, batch_norm):
    """In training mode without dropout and stochastic depth, or in evaluation mode with the statistics of these images. Nothing learns behind a layer of zeros, and no mean differs
    from zero behind norms without a bias: both are drawn."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in model.modules():
        if isinstance(module, nn.Linear) and not module.weight.any():
            nn.init.normal_(module.weight, std=0.02)
    for norm in norms:
        nn.init.normal_(norm.bias, std=0.1)
        norm.train()
    if batch_norm == "eval":
        usual = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = 1
        model(image)
        for norm, momentum in zip(norms, usual):
            norm.eval().momentum = momentum


def distance(actual, expected):
    """L2 norm of the difference to the norm of what is expected."""
    return ((actual.double() - expected).norm() / expected.norm().clamp_min(1e-300)).item()


def write(name, options):
    model, pixels = made(name, pixels=options.img_size)
    image = torch.randn(options.batch_size, 3, pixels, pixels)
    prepare(model, image, options.batch_norm)
    labels = torch.arange(options.batch_size) % 10
    folder = options.output / name
    folder.mkdir(parents=True, exist_ok=True)
    # The exporter runs the model, which moves its running statistics: those in the file are where the step begins.
    export(model, image, folder / "forward.onnx", options.opset)

    single = step(copy.deepcopy(model), image, labels)
    golden = step(model.double(), image.double(), labels)
    whole = sum(value.norm() ** 2 for key, value in golden.items() if key.startswith("grad.")) ** 0.5
    gradients = {key: distance(single[key], value) for key, value in golden.items() if key.startswith("grad.") and value.norm() > 1e-12 * whole}
    worst = max(gradients, key=gradients.get)

    write_safetensors(folder / "inputs.safetensors", {"input": image, "labels": labels})
    write_safetensors(folder / "expected.safetensors", {key: value.float() for key, value in golden.items()})
    (folder / "model.json").write_text(json.dumps({
        "about": f"tools/peers/torchvision_goldens.py, PyTorch {torch.__version__}, {name}{', smooth' if options.smooth else ''}, batch norm in {options.batch_norm} mode, opset {options.opset}, seed 0",
        "input": list(image.shape),
        "labels": list(labels.shape),
        "output": list(golden["output"].shape),
        "loss": "cross-entropy, mean over the batch",
        "trainable": [key for key, _ in model.named_parameters()],
        "float32_check": {"output": distance(single["output"], golden["output"]), "loss": distance(single["loss"], golden["loss"]), "grad": gradients[worst], "grad_at": worst},
    }, indent=1) + "\n")
    print(f"{folder}: loss {golden['loss'].item():.6f}, PyTorch's own float32 gradients are off by at most {gradients[worst]:.1e} ({worst})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="model", choices=[*FULL_SIZE, *MICRO], help=", ".join([*FULL_SIZE, *MICRO]))
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder for a folder per model")
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--img-size", type=int, help="pixels; the model's own if left out")
    parser.add_argument("--batch-norm", choices=("train", "eval"), default="train", help="by the batch, or by running statistics")
    parser.add_argument("--smooth", action="store_true", help="GELU in place of ReLU")
    parser.add_argument("--opset", type=int, default=17)
    options = parser.parse_args()
    if options.smooth:
        F.relu = lambda x, inplace=False: F.gelu(x)  # what nn.ReLU calls, too
    for name in options.models:
        write(name, options)


if __name__ == "__main__":
    main()
