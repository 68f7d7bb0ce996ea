"""What the training steps here have in common: options, threads, decay groups, the measured loop, the report. PyTorch is imported when a step is measured, since it reads the
number of threads at import."""

import argparse
import json
import os
import resource
import statistics
import time


def parse(description, models, model, batch_size, **more):
    """The options of a step, and the number of threads set; `more` are further ones with their default and their meaning."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--model", choices=models, default=model)
    parser.add_argument("--img-size", type=int, help="side of the image or latent; the model's own if left out")
    parser.add_argument("--batch-size", type=int, default=batch_size)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=10, help="measured steps")
    parser.add_argument("--warmup-steps", type=int, default=2)
    parser.add_argument("--ema-decay", type=float, default=0.998)
    parser.add_argument("--foreach", action="store_true", help="AdamW over lists of tensors instead of one by one")
    for name, (kind, default, meaning) in more.items():
        parser.add_argument("--" + name.replace("_", "-"), type=kind, default=default, help=meaning)
    options = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(options.threads))
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    return options


def decay_groups(model):
    """No decay for biases, norms, tokens and positions, as timm does it."""
    def is_plain(name, parameter):
        return parameter.ndim <= 1 or name in ("cls_token", "pos_embed")

    named = list(model.named_parameters())
    return [
        {"params": [p for name, p in named if is_plain(name, p)], "weight_decay": 0.0},
        {"params": [p for name, p in named if not is_plain(name, p)], "weight_decay": 0.05},
    ]


def measure(options, resolution, parameters, optimizer, loss_of, **told):
    """Forward, backward, update and EMA of every parameter, again and again; prints medians as one JSON document. `told` joins what is reported."""
    import torch

    momentum = [p.detach().clone() for p in parameters]
    forward_backward, update = [], []
    for _ in range(options.warmup_steps + options.steps):
        optimizer.zero_grad(set_to_none=True)
        started = time.perf_counter()
        loss = loss_of()
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
        "resolution": resolution,
        "batch_size": options.batch_size,
        "threads": options.threads,
        "steps": options.steps,
        **told,
        "torch": torch.__version__,
        "parameters": sum(p.numel() for p in parameters),
        "loss": round(loss.item(), 5),
        "step_ms": median([a + b for a, b in zip(forward_backward, update)]),
        "forward_backward_ms": median(forward_backward),
        "update_ms": median(update),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }))
