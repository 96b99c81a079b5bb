"""Whether the values of a torch tensor are known."""

from typing import Any

import torch


def has_values(tensor: Any) -> bool:
    """Whether a tensor has values to look at: not while a program is traced.

    `torch.func.grad`, `vmap` and `hessian` trace too.
    """
    is_traced = tensor.is_meta or torch.compiler.is_compiling()
    return not (is_traced or torch._C._functorch.is_functorch_wrapped_tensor(tensor))
