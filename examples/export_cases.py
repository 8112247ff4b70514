"""Writes cases.json: losses as PyTorch computes them, for `segloss parity --cases cases.json`.

    python3 examples/export_cases.py            (PyTorch 1.13 or newer)
    npx segloss parity --cases cases.json

Take `export` for losses of your own: it wants the spec that gives the same (docs/coming-from.md), the inputs, and your
loss as a function of the logits. The gradient is autograd's. Compute in float64 where you can: what your own float32
loses must be allowed by `tolerance`, relative to the largest number of each array.
"""

import json
import sys

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, log_softmax


def numbers(tensor):
    """A flat list; JSON has no NaN and no infinities."""
    words = {"nan": "nan", "inf": "inf", "-inf": "-inf"}
    return [words.get(str(x), x) for x in tensor.detach().flatten().tolist()]


TYPES = {
    torch.uint8: "u8",
    torch.int32: "i32",
    torch.int64: "i64",
    torch.float32: "f32",
}


def export(name, spec, logits, targets, loss_of, tolerance=0):
    """One case. Logits must be exact in float32; `loss_of(logits)` gives the reduced loss, in float64 here."""
    x = logits.double().requires_grad_()
    loss = loss_of(x)
    (gradient,) = torch.autograd.grad(loss, x)
    return {
        "name": name,
        "spec": spec,
        "shape": list(logits.shape),
        "logits": numbers(logits),
        "targets": numbers(targets),
        "targetsType": TYPES[targets.dtype],
        "expected": {"loss": loss.item(), "gradLogits": numbers(gradient)},
        "tolerance": tolerance,
    }


def focal(x, labels, gamma, ignore_index):
    """Lin et al. 2017: the mean over what is not ignored of (1 - p)^gamma * -log p."""
    counts = labels != ignore_index
    log_p = log_softmax(x, 1).gather(1, labels.where(counts, torch.zeros_like(labels))[:, None])[:, 0]
    losses = (-torch.expm1(log_p)) ** gamma * -log_p
    return losses[counts].mean()


def main():
    torch.manual_seed(1)
    logits = 3 * torch.randn(2, 5, 16, 24)
    labels = torch.randint(0, 5, (2, 16, 24))
    labels[:, :2] = 255
    weights = [0.5, 1.0, 2.0, 1.5, 0.25]
    masks = torch.randint(0, 2, (2, 5, 16, 24), dtype=torch.int32)
    cases = [
        export(
            "torch.nn.functional.cross_entropy",
            {"gamma": 0, "ignoreIndex": 255},
            logits,
            labels,
            lambda x: cross_entropy(x, labels, ignore_index=255),
        ),
        export(
            "torch.nn.functional.cross_entropy with class weights",
            {"gamma": 0, "ignoreIndex": 255, "classWeights": weights, "reduction": "weighted-mean"},
            logits,
            labels,
            lambda x: cross_entropy(x, labels, torch.tensor(weights, dtype=x.dtype), ignore_index=255),
        ),
        export(
            "focal loss, gamma 2",
            {"gamma": 2, "ignoreIndex": 255},
            logits,
            labels,
            lambda x: focal(x, labels, 2, 255),
        ),
        export(
            "torch.nn.functional.binary_cross_entropy_with_logits",
            {"family": "sigmoid", "gamma": 0},
            logits,
            masks,
            lambda x: binary_cross_entropy_with_logits(x, masks.to(x.dtype)),
        ),
    ]
    path = sys.argv[1] if len(sys.argv) > 1 else "cases.json"
    with open(path, "w") as file:
        json.dump({"source": f"PyTorch {torch.__version__}", "cases": cases}, file, allow_nan=False)
    print(f"{path}: {len(cases)} cases")


if __name__ == "__main__":
    main()
