#!/usr/bin/python3
"""The training step of a ResNet of torchvision in PyTorch: forward with batch normalisation in training mode, cross entropy, backward, AdamW with decay groups, EMA.

The other side trains the same model from the ONNX file that torchvision_models.py writes. Prints one JSON document. Runs on Debian 12's python3-torchvision; see README.md
beside this file.
"""

from training_step import decay_groups, measure, parse

options = parse(__doc__, ("resnet18", "resnet50"), model="resnet50", batch_size=8)

import torch  # noqa: E402  (the number of threads is read at import)
from torch.nn import functional as F  # noqa: E402
from torchvision import models  # noqa: E402

PIXELS, CLASSES = 224, 1000


def main():
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    pixels = options.img_size or PIXELS
    model = getattr(models, options.model)(num_classes=CLASSES).train()
    optimizer = torch.optim.AdamW(decay_groups(model), lr=1e-3, foreach=options.foreach)
    image = torch.randn(options.batch_size, 3, pixels, pixels)
    target = torch.softmax(torch.randn(options.batch_size, CLASSES), dim=1)  # soft targets, as mixup makes them

    def loss():
        return -(target * F.log_softmax(model(image), dim=1)).sum(dim=1).mean()

    measure(options, pixels, list(model.parameters()), optimizer, loss)


if __name__ == "__main__":
    main()
