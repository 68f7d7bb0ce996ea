#!/usr/bin/python3
"""Exports models of torchvision with random weights as ONNX files that can be trained further: every parameter keeps its name, batch normalisation stays a node of its own, and the
batch size is open. Runs on Debian 12's python3-torchvision and python3-onnx.

  tools/peers/torchvision_models.py --output models resnet18 vit_b_16      # full size, opset 17
  tools/peers/torchvision_models.py --output models --opset 14             # all of them
  tools/peers/torchvision_models.py --output tests/AutoProg.Ort.Tests/Fixtures/foreign/torchvision resnet_micro vit_micro
"""

import argparse
import pathlib

import torch
from torch import nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.models.vision_transformer import VisionTransformer

MICRO_CLASSES = 10


class NarrowResNet(ResNet):
    """torchvision's ResNet with an eighth of the channels behind its stem."""

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        return super()._make_layer(block, planes // 8, blocks, stride, dilate)


def resnet_micro():
    model = NarrowResNet(BasicBlock, [1, 1, 1, 1])
    model.fc = nn.Linear(64, MICRO_CLASSES)
    return model


def vit_micro():
    model = VisionTransformer(image_size=32, patch_size=8, num_layers=4, num_heads=2, hidden_dim=32, mlp_dim=64, num_classes=MICRO_CLASSES)
    nn.init.normal_(model.heads.head.weight, std=0.02)  # torchvision begins with a head of zeros, behind which nothing learns in the first step
    return model


class Segmenter(nn.Module):
    """Logits [batch, classes, height, width] alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image):
        return self.model(image)["out"]


FULL_SIZE = {  # pixels, and how the model is made
    "resnet18": (224, models.resnet18),
    "resnet50": (224, models.resnet50),
    "convnext_tiny": (224, models.convnext_tiny),
    "mobilenet_v3_small": (224, models.mobilenet_v3_small),
    "mobilenet_v3_large": (224, models.mobilenet_v3_large),
    "efficientnet_b0": (224, models.efficientnet_b0),
    "swin_t": (224, models.swin_t),
    "vit_b_16": (224, models.vit_b_16),
    "densenet121": (224, models.densenet121),
    "regnet_x_400mf": (224, models.regnet_x_400mf),
    "regnet_y_400mf": (224, models.regnet_y_400mf),
    "deeplabv3_resnet50": (224, lambda **k: Segmenter(models.segmentation.deeplabv3_resnet50(weights_backbone=None, **k))),
    "deeplabv3_mobilenet_v3_large": (224, lambda **k: Segmenter(models.segmentation.deeplabv3_mobilenet_v3_large(weights_backbone=None, **k))),
}
MICRO = {"resnet_micro": (32, resnet_micro), "vit_micro": (32, vit_micro)}


def made(name, classes=None, pixels=None):
    """A model with the random weights of seed 0, in evaluation mode, and the size of its images."""
    torch.manual_seed(0)
    usual, make = {**FULL_SIZE, **MICRO}[name]
    model = make() if classes is None or name in MICRO else make(num_classes=classes)
    return model.eval(), pixels or usual


def export(model, image, path, opset, open_axes=None):
    # PRESERVE keeps the exporter from merging batch normalisation into convolutions, as it does for inference; constant folding would rename weights.
    torch.onnx.export(
        model, image, path, opset_version=opset, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        input_names=["input"], output_names=["output"], dynamic_axes=open_axes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="model", help=f"{', '.join([*FULL_SIZE, *MICRO])}; all of full size if left out")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder")
    parser.add_argument("--opset", type=int, default=17)
    parser.add_argument("--classes", type=int, help="of full-size models; torchvision's number if left out")
    parser.add_argument("--img-size", type=int, help="pixels that the model is traced with; its own if left out")
    parser.add_argument("--open-size", action="store_true", help="leave the size of images open, too (convolutional models)")
    options = parser.parse_args()
    unknown = set(options.models) - {*FULL_SIZE, *MICRO}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join([*FULL_SIZE, *MICRO])}")
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.models or FULL_SIZE:
        path = options.output / f"{name}.onnx"
        model, pixels = made(name, options.classes, options.img_size)
        axes = {0: "batch", **({2: "height", 3: "width"} if options.open_size else {})}
        export(model, torch.randn(2, 3, pixels, pixels), path, options.opset, {"input": axes, "output": {0: "batch"}})
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
