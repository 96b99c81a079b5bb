"""Cross-entropies on torch, with their own derivatives. Only imported on torch.

Torch runs one operation after the other, each over the whole of its arrays. Its softmax
takes half as long as its logarithm of the softmax, and all that a cross-entropy needs
of the other classes is one number for each sample, which the softmax contains: the
largest probability is `exp(0) / Σ exp(z - largest)`.
"""

import inspect
from typing import Any

import torch

# Above this, arrays of the few classes are no smaller than those of all.
LARGEST_SHARE_OF_CLASSES = 1 / 4


def sparse_crossentropy(labels: Any, logits: Any) -> Any:
    """Returns `-log p_t`; integer labels `(...)` in [0, K), logits `(..., K)`."""
    return class_losses(labels.long().unsqueeze(-1), logits).squeeze(-1)


def class_losses(classes: Any, logits: Any) -> Any:
    """Returns `-log p` of int64 classes `(..., J)`; logits `(..., K)`."""
    return -torch.log_softmax(logits, dim=-1).gather(-1, classes)


def few_classes(y: Any) -> tuple[Any, Any] | None:
    """Returns what `keras_ccar.ops.crossentropy.few_classes` does."""
    num_classes = y.shape[-1]
    if y.requires_grad or y.is_meta or torch.compiler.is_compiling() or not y.numel():
        return None
    flat = y.reshape(-1)
    # NumPy searches an array several times as fast as torch does.
    places = (
        torch.from_numpy((flat.numpy() != 0).nonzero()[0])
        if flat.device.type == "cpu"
        else flat.nonzero().squeeze(-1)
    )
    # The places of each row follow each other, so this is where those of a row begin.
    bounds = torch.arange(0, flat.numel() + 1, num_classes, device=flat.device)
    starts = torch.searchsorted(places, bounds)
    counts = starts.diff()
    width = int(counts.max())
    if not 0 < width <= num_classes * LARGEST_SHARE_OF_CLASSES:
        return None
    columns = torch.arange(width, device=flat.device)
    taken = (starts[:-1, None] + columns).clamp_(max=len(places) - 1)
    found = places[taken]
    share = flat[found].mul_(columns < counts[:, None])
    classes = (found - bounds[:-1, None]).clamp_(0, num_classes - 1)
    shape = (*y.shape[:-1], width)
    return classes.reshape(shape), share.reshape(shape)


def softmax_terms(logits: Any) -> Any:
    """Returns what `keras_ccar.ops.crossentropy.softmax_terms` does."""
    p = torch.softmax(logits, dim=-1)
    if torch.compiler.is_compiling():
        logs = torch.log_softmax(logits, dim=-1)
        return p, lambda share: -(share * logs).sum(dim=-1)
    return p, lambda share: _SoftLosses.apply(share, logits, p)


def _levels(logits: Any, p: Any) -> tuple[Any, Any]:
    """Returns the largest logit and `log Σ exp(z - largest)`; both keep the axis."""
    if not logits.numel():  # which has no largest
        empty = logits.sum(dim=-1, keepdim=True)
        return empty, empty
    largest = logits.amax(dim=-1, keepdim=True)
    return largest, -p.amax(dim=-1, keepdim=True).log()


class _SoftLosses(torch.autograd.Function):
    """`-Σ share * log p` over the classes; shares, logits and softmax `(..., K)`."""

    generate_vmap_rule = True

    @staticmethod
    def forward(share: Any, logits: Any, p: Any) -> Any:
        largest, log_total = _levels(logits, p)
        below = (largest - logits).mul_(share)
        # Where all shares have one sign, both terms have it too, so nothing cancels.
        return log_total.squeeze(-1) * share.sum(dim=-1) + below.sum(dim=-1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        share, logits, p = inputs
        # The logits are kept for the derivative by the shares alone, which is rare.
        ctx.save_for_backward(share, p, logits if ctx.needs_input_grad[0] else None)
        ctx.save_for_forward(share, p, logits)

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> tuple[Any, ...]:
        share, p, logits = ctx.saved_tensors
        upstream = upstream.unsqueeze(-1)
        by_share = by_logits = None
        if ctx.needs_input_grad[1]:
            by_logits = p * (share.sum(dim=-1, keepdim=True) * upstream)
            by_logits = by_logits.sub_(share * upstream)
        if logits is not None:
            by_share = upstream * -torch.log_softmax(logits, dim=-1)
        return by_share, by_logits, None

    @staticmethod
    def jvp(ctx: Any, share_tangent: Any, logits_tangent: Any, *others: Any) -> Any:
        share, p, logits = ctx.saved_tensors
        slope = 0
        if logits_tangent is not None:
            by_logits = p * share.sum(dim=-1, keepdim=True) - share
            slope = (by_logits * logits_tangent).sum(dim=-1)
        if share_tangent is not None:
            logs = torch.log_softmax(logits, dim=-1)
            slope = slope - (share_tangent * logs).sum(dim=-1)
        return slope


# Torch asks for this signature in every call, and to find it out takes as long as the
# loss of a small batch.
_signature = inspect.signature(_SoftLosses.forward)
_SoftLosses.forward.__signature__ = _signature  # type: ignore[attr-defined]
