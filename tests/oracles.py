"""Naive float64 numpy, written from the papers' formulas; uses none of our code."""

import numpy as np

PIVOT = 0.75


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def ccar_weight(p, f, pivot=PIVOT, s=1.0, form="exponential", counts=None):
    """Ω, one number at a time, in the order of the definitions."""
    p, f = np.broadcast_arrays(np.asarray(p, "float64"), np.asarray(f, "float64"))
    weights = np.empty(p.shape)
    for index in np.ndindex(p.shape):
        dual = f[index] if p[index] < pivot else 1 - f[index]
        if form == "exponential":
            weights[index] = np.exp(s * (1 - dual) * (pivot - p[index]))
        elif form == "power":
            weights[index] = (2 - dual) ** (s * (pivot - p[index]))
        elif form == "information":
            dual = max(dual, 1 / (np.sum(counts) + 1))
            weights[index] = (1 / dual) ** (s * (pivot - p[index]))
        elif form == "inverse":
            frequency = max(f[index], 1 / (np.sum(counts) + 1))
            weights[index] = 1 / (len(counts) * frequency * max(p[index], 1e-3))
        else:
            raise ValueError(form)
    return weights


def loss_and_gradient(labels, logits, counts, weigh=None, tau=0.0, smoothing=0.0):
    """Weighted cross-entropy of each sample, and its gradient by the logits.

    `labels` are integers or distributions, `weigh` a function of (p, f). The weight is
    a constant of the gradient.
    """
    counts = np.asarray(counts, "float64")
    frequency = counts / counts.sum()
    logits = np.asarray(logits, "float64")
    if tau:
        logits = logits + tau * np.log(frequency)
    num_classes = len(counts)
    labels = np.asarray(labels)
    if labels.ndim == logits.ndim - 1:
        labels = np.eye(num_classes)[labels.astype(int)]
    labels = (1 - smoothing) * labels + smoothing / num_classes
    p = softmax(logits)
    frequency = np.broadcast_to(frequency, p.shape)
    weight = np.ones(p.shape) if weigh is None else weigh(p, frequency)
    log_p = logits - logits.max(-1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(-1, keepdims=True))
    loss = (labels * weight * -log_p).sum(axis=-1)
    gradient = p * (labels * weight).sum(-1, keepdims=True) - labels * weight
    return loss, gradient


def train_linear_classifier(
    batches, kernel, bias, counts, learning_rate, epochs=1, momentum=None, start_epoch=0
):
    """Trains a linear classifier with CCAR by SGD, sample by sample.

    `batches` are tuples (x, labels, sample_weights, is_counted), in which samples have
    shape (B,) or (B, T). Where samples are masked the mean is over those that are not.
    With a `momentum` frequencies and examples are updated after each epoch. Returns the
    statistics of each epoch and the final kernel.
    """
    kernel, bias = kernel.astype("float64"), bias.astype("float64")
    num_examples = np.sum(counts)
    frequency = np.asarray(counts, "float64") / num_examples
    num_classes = len(counts)
    history = []
    for epoch in range(epochs):
        totals = np.zeros((num_classes, 4))
        for x, labels, sample_weights, is_unmasked in batches:
            x = x.reshape(-1, x.shape[-1]).astype("float64")
            labels, sample_weights, is_unmasked = (
                v.reshape(-1) for v in (labels, sample_weights, is_unmasked)
            )
            p = softmax(x @ kernel + bias)
            d_kernel, d_bias = np.zeros_like(kernel), np.zeros_like(bias)
            for i, label in enumerate(labels):
                if not is_unmasked[i]:
                    continue
                confidence = p[i, label]
                weight = ccar_weight(confidence, frequency[label])
                if sample_weights[i]:
                    below = confidence < PIVOT
                    totals[label] += [1, confidence, weight, below]
                d_logits = p[i].copy()
                d_logits[label] -= 1
                d_logits *= weight * sample_weights[i] / is_unmasked.sum()
                d_kernel += np.outer(x[i], d_logits)
                d_bias += d_logits
            kernel -= learning_rate * d_kernel
            bias -= learning_rate * d_bias
        count = totals[:, 0]
        with np.errstate(invalid="ignore"):
            means = totals / count[:, None]
        history.append(
            {
                "count": count,
                "frequency": frequency,
                "class_counts": num_examples * frequency,
                "mean_confidence": means[:, 1],
                "mean_weight": means[:, 2],
                "below_pivot": means[:, 3],
            }
        )
        if momentum is not None and epoch >= start_epoch:
            frequency = momentum * frequency + (1 - momentum) * count / count.sum()
            num_examples = momentum * num_examples + (1 - momentum) * count.sum()
    return history, kernel
