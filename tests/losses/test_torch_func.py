"""Losses inside the transformations of `torch.func`, whose tensors have no values."""

import keras
import numpy as np
import pytest
from loss_checks import public_cases

if keras.backend.backend() != "torch":
    pytest.skip("torch.func is of torch", allow_module_level=True)

import torch

LOSSES = pytest.mark.parametrize("case", public_cases(), ids=lambda case: case.name)


def gradient(loss, labels, logits):
    """By backpropagation, without a transformation."""
    leaf = logits.clone().requires_grad_()
    loss(labels, leaf).backward()
    return leaf.grad


@LOSSES
@pytest.mark.parametrize("are_shares", [False, True])
def test_gradients_of_all_and_of_each_sample(case, are_shares):
    loss = case.loss()
    labels = torch.from_numpy(case.labels())
    if are_shares and not case.is_binary:
        labels = torch.nn.functional.one_hot(labels, 4).float()
    logits = torch.from_numpy(case.predictions())
    got = torch.func.grad(lambda z: loss(labels, z))(logits)
    np.testing.assert_allclose(got, gradient(loss, labels, logits), atol=1e-6)

    def of_sample(label, z):
        return loss(label[None], z[None])

    each = torch.func.vmap(torch.func.grad(of_sample, argnums=1))(labels, logits)
    for row in range(len(logits)):
        expected = gradient(loss, labels[[row]], logits[[row]])[0]
        np.testing.assert_allclose(each[row], expected, atol=1e-6)


# Torch compiles a part of this by what it has deprecated.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@LOSSES
def test_hessians(case):
    loss = case.loss()
    labels = torch.from_numpy(case.labels())[:2]
    logits = torch.from_numpy(case.predictions())[:2]
    hessian = torch.func.hessian(lambda z: loss(labels, z))(logits)
    expected = torch.autograd.functional.hessian(lambda z: loss(labels, z), logits)
    np.testing.assert_allclose(hessian, expected, atol=1e-5)
