"""Cross-entropies on torch, with their own derivatives. Only imported on torch.

Torch runs one operation after the other, each over the whole of its arrays. For many
classes its softmax takes up to half as long as its logarithm of the softmax, and all
that a cross-entropy needs of the other classes is one number for each sample, which the
softmax contains: the largest probability is `exp(0) / Σ exp(z - largest)`.

On a processor its `where` branches at each number, which takes several times as long as
an exponential if nobody can foresee the branch, as with the signs of logits. So sigmoid
outputs do without.
"""

import inspect
from typing import Any

import torch

from keras_ccar.ops.torch_values import has_values

# Above this, arrays of the few classes are no smaller than those of all.
LARGEST_SHARE_OF_CLASSES = 1 / 4
_log_likely = torch.nn.functional.logsigmoid
# Of fewer classes than this, torch's logarithm of the softmax takes less time than the
# softmax and two searches for the largest.
FEWEST_FOR_SOFTMAX = 400


def sparse_crossentropy(labels: Any, logits: Any) -> Any:
    """Returns `-log p_t`; integer labels `(...)` in [0, K), logits `(..., K)`."""
    return class_losses(labels.long().unsqueeze(-1), logits).squeeze(-1)


def class_losses(classes: Any, logits: Any) -> Any:
    """Returns `-log p` of int64 classes `(..., J)`; logits `(..., K)`."""
    # A compiler joins operations itself.
    if torch.compiler.is_compiling() or logits.shape[-1] < FEWEST_FOR_SOFTMAX:
        return -torch.log_softmax(logits, dim=-1).gather(-1, classes)
    return _ClassLosses.apply(logits, torch.softmax(logits, dim=-1), classes)


def few_classes(y: Any) -> tuple[Any, Any] | None:
    """Returns what `keras_ccar.ops.crossentropy.few_classes` does."""
    num_classes = y.shape[-1]
    if y.requires_grad or not y.numel() or not has_values(y):
        return None
    flat = y.reshape(-1)
    # NumPy searches an array several times as fast as torch does.
    places = (
        torch.from_numpy((flat.numpy() != 0).nonzero()[0])
        if flat.device.type == "cpu"
        else flat.nonzero().squeeze(-1)
    )
    rows = places // num_classes
    counts = torch.bincount(rows, minlength=flat.numel() // num_classes)
    width = int(counts.max())
    if not 0 < width <= num_classes * LARGEST_SHARE_OF_CLASSES:
        return None
    classes, share = places - rows * num_classes, flat[places]
    if len(places) < len(counts) * width:
        # Rows with fewer classes get more of class 0, with a share of 0.
        starts = counts.cumsum(0) - counts
        columns = torch.arange(len(places), device=flat.device) - starts[rows]
        taken = rows * width + columns
        classes, share = (
            x.new_zeros(len(counts) * width).index_copy_(0, taken, x)
            for x in (classes, share)
        )
    shape = (*y.shape[:-1], width)
    return classes.reshape(shape), share.reshape(shape)


def softmax_terms(logits: Any) -> Any:
    """Returns what `keras_ccar.ops.crossentropy.softmax_terms` does."""
    p = torch.softmax(logits, dim=-1)
    if torch.compiler.is_compiling():
        logs = torch.log_softmax(logits, dim=-1)
        return p, lambda share: -(share * logs).sum(dim=-1)
    return p, lambda share: _SoftLosses.apply(share, logits, p)


def sigmoid_terms(logits: Any) -> tuple[tuple[Any, Any], Any]:
    """Returns what `keras_ccar.ops.crossentropy.sigmoid_terms` does."""
    of_yes, of_no = torch.sigmoid(logits), torch.sigmoid(-logits)
    if torch.compiler.is_compiling():
        return (
            of_yes,
            of_no,
        ), lambda yes, no: -(yes * _log_likely(logits) + no * _log_likely(-logits))
    return (of_yes, of_no), lambda yes, no: _BinaryLosses.apply(
        yes, no, logits, of_yes, of_no
    )


def _levels(logits: Any, p: Any) -> tuple[Any, Any]:
    """Returns the largest logit and `log Σ exp(z - largest)`; both keep the axis."""
    if not logits.numel():  # which has no largest
        empty = logits.sum(dim=-1, keepdim=True)
        return empty, empty
    largest = logits.amax(dim=-1, keepdim=True)
    return largest, -p.amax(dim=-1, keepdim=True).log()


class _ClassLosses(torch.autograd.Function):
    """`-log p` of some classes of each sample.

    The inputs are logits `(..., K)`, their softmax, which is only passed so that it is
    not computed twice and that the gradient has a derivative of its own, and int64
    classes `(..., J)`. The result is `(..., J)`.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Any, p: Any, classes: Any) -> Any:
        largest, log_total = _levels(logits, p)
        return (largest - logits.gather(-1, classes)) + log_total

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        _, p, classes = inputs
        ctx.save_for_backward(p, classes)
        ctx.save_for_forward(p, classes)

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> tuple[Any, ...]:
        p, classes = ctx.saved_tensors
        gradient = p * upstream.sum(dim=-1, keepdim=True)
        return gradient.scatter_add_(-1, classes, -upstream), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Any, *others: Any) -> Any:
        p, classes = ctx.saved_tensors
        mean = (p * tangent).sum(dim=-1, keepdim=True)
        return mean - tangent.gather(-1, classes)


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


class _BinaryLosses(torch.autograd.Function):
    """`-(yes * log p + no * log (1 - p))`, of how much yes and no count.

    The inputs are these two, which broadcast against the logits, the logits of yes, and
    the probabilities of yes and of no, which are only passed so that they are not
    computed twice and that the gradient has a derivative of its own.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(yes: Any, no: Any, logits: Any, of_yes: Any, of_no: Any) -> Any:
        # Neither side cancels: log (1 + exp(-|z|)) is what both have.
        shared = logits.abs().neg_().exp_().log1p_()
        losses = shared * (yes + no)
        return losses.add_(yes * (-logits).relu_()).add_(no * logits.relu())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> tuple[Any, ...]:
        yes, no, logits, of_yes, of_no = ctx.saved_tensors
        by_yes = by_no = by_logits = None
        if ctx.needs_input_grad[0]:
            by_yes = (-upstream * _log_likely(logits)).sum_to_size(yes.shape)
        if ctx.needs_input_grad[1]:
            by_no = (-upstream * _log_likely(-logits)).sum_to_size(no.shape)
        if ctx.needs_input_grad[2]:
            by_logits = torch.addcmul(no * of_yes, yes, of_no, value=-1) * upstream
        return by_yes, by_no, by_logits, None, None

    @staticmethod
    def jvp(
        ctx: Any, yes_tangent: Any, no_tangent: Any, logits_tangent: Any, *others: Any
    ) -> Any:
        yes, no, logits, of_yes, of_no = ctx.saved_tensors
        slope = 0
        if logits_tangent is not None:
            slope = (no * of_yes - yes * of_no) * logits_tangent
        if yes_tangent is not None:
            slope = slope - yes_tangent * _log_likely(logits)
        if no_tangent is not None:
            slope = slope - no_tangent * _log_likely(-logits)
        return slope


# Torch asks for both signatures in every call, and to find one out takes as long as the
# loss of a small batch.
for _function in (_ClassLosses, _SoftLosses, _BinaryLosses):
    _signature = inspect.signature(_function.forward)
    _function.forward.__signature__ = _signature  # type: ignore[union-attr]
