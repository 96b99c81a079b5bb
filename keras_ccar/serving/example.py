"""Reads the `example` of `export`: what a client sends."""

from typing import Any

import keras
import numpy as np
from keras import tree

# The kinds of numpy dtypes that each kind of input takes. Strings have checks of their
# own. A client may send whole numbers where the model takes floats, not the reverse.
_TAKES = {"f": "biuf", "c": "biufc", "i": "iu", "u": "iu", "b": "b"}


def parse_example(
    example: Any, signature: Any, specs: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns a batch for each input, by name, in the input's dtype; and the specs.

    Args:
        example: what a client sends, for one example or for a batch.
        signature: the arguments of the model; see `named_inputs`.
        specs: the specs of its inputs by name. Keras takes the inputs of a subclassed
            model for floats. Where the example has strings, they become strings.
    """
    values = _values_by_name(example, signature, specs)
    guessed = [part.name is None for part in tree.flatten(signature)]
    specs = {
        name: keras.layers.InputSpec(dtype="string", shape=spec.shape, name=name)
        if is_guess and _is_text(values[name])
        else spec
        for is_guess, (name, spec) in zip(guessed, specs.items(), strict=True)
    }
    batches = {name: _batch(name, values[name], spec) for name, spec in specs.items()}
    sizes = {name: len(batch) for name, batch in batches.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            "`example` must hold the same number of examples for every input. "
            f"Received: {sizes}"
        )
    return batches, specs


def _values_by_name(
    example: Any, signature: Any, specs: dict[str, Any]
) -> dict[str, Any]:
    """Returns what the example holds for each input."""
    # Names in a SavedModel are identifiers; those of the model need not be.
    own_names = [part.name for part in tree.flatten(signature)]
    for names in (list(specs), own_names):
        if isinstance(example, dict) and set(example) == set(names):
            return dict(zip(specs, (example[name] for name in names), strict=True))
    if len(specs) == 1 and not isinstance(example, dict):
        return dict.fromkeys(specs, example)
    structure = signature[0] if len(signature) == 1 else signature
    values: list[Any] = []
    if not _collect(structure, example, values):
        raise ValueError(
            "`example` must be a dict with a value for each of the inputs "
            f"{', '.join(map(repr, specs))}, or be nested as the model takes them. "
            f"Received: {_describe(example)}"
        )
    return dict(zip(specs, values, strict=True))


def _describe(example: Any) -> str:
    kind = type(example).__name__
    if isinstance(example, dict):
        return f"{kind} with {', '.join(map(repr, example))}"
    return f"{kind} of {len(example)}" if isinstance(example, list | tuple) else kind


def _collect(structure: Any, example: Any, values: list[Any]) -> bool:
    """Collects the values of nested inputs in their order; False if one is missing."""
    if isinstance(structure, dict):
        return (
            isinstance(example, dict)
            and set(example) == set(structure)
            # The order of `tree.flatten`.
            and all(
                _collect(structure[key], example[key], values)
                for key in tree.flatten({key: key for key in structure})
            )
        )
    if isinstance(structure, list | tuple):
        return (
            isinstance(example, list | tuple)
            and len(example) == len(structure)
            and all(
                _collect(part, value, values)
                for part, value in zip(structure, example, strict=True)
            )
        )
    values.append(example)
    return not isinstance(example, dict)


def _batch(name: str, value: Any, spec: Any) -> np.ndarray:
    """Returns a value as a batch of the spec's dtype, if it fits."""
    if spec.dtype == "string":
        array = _strings(name, value)
    else:
        array = _cast(name, _array(name, value), spec.dtype)
    sizes = spec.shape[1:]
    fits = {
        with_batch: len(array.shape) == len(sizes) + with_batch
        and all(
            size in (None, given)
            for size, given in zip(sizes, array.shape[with_batch:], strict=True)
        )
        for with_batch in (False, True)
    }
    if not any(fits.values()) or not array.size:
        raise ValueError(
            f"`example` must have the shape {tuple(sizes)} for one example of the "
            f"input {name!r}, or one more axis in front for a batch. Received: shape "
            f"{array.shape}"
        )
    return array if fits[True] else array[None]


def _is_text(value: Any) -> bool:
    if keras.ops.is_tensor(value):
        return "string" in str(value.dtype)
    try:
        array = np.asarray(value, dtype=object)
    except ValueError:  # parts of several shapes
        return False
    return bool(array.size) and isinstance(array.flat[0], str | bytes)


def _strings(name: str, value: Any) -> np.ndarray:
    """Returns strings or bytes as an object array of bytes."""
    if keras.backend.backend() == "tensorflow" and keras.ops.is_tensor(value):
        value = _dense(name, value).numpy()
    # Not as an array of bytes, which would drop zeros at the end.
    array = np.array(value, dtype=object)
    encoded = np.empty(array.shape, dtype=object)
    for index, element in np.ndenumerate(array):
        if not isinstance(element, str | bytes):
            raise ValueError(
                f"`example` must hold strings or bytes for the input {name!r}. "
                f"Received: {type(element).__name__}"
            )
        encoded[index] = element.encode() if isinstance(element, str) else element
    return encoded


def _array(name: str, value: Any) -> np.ndarray:
    if keras.ops.is_tensor(value):
        return np.asarray(keras.ops.convert_to_numpy(_dense(name, value)))
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`example` must be an array, a tensor or nested lists of one shape for "
            f"the input {name!r}. Received: {type(value).__name__}: {error}"
        ) from error


def _dense(name: str, tensor: Any) -> Any:
    """Returns a dense tensor; TensorFlow Serving takes no other."""
    kind = type(tensor).__name__
    if kind in ("RaggedTensor", "SparseTensor", "BCOO"):
        raise ValueError(
            f"`example` must be a dense tensor for the input {name!r}, as a client "
            f"sends it. Received: {kind}. Pass one example, or a padded batch."
        )
    return tensor


def _cast(name: str, array: np.ndarray, dtype: str) -> np.ndarray:
    target = np.dtype(dtype)
    if str(array.dtype) == "bfloat16":  # of another kind for numpy
        array = array.astype("float32")
    # The empty array of an empty list is float64.
    if array.dtype.kind in _TAKES[target.kind] or not array.size:
        cast = array.astype(target)
        if target.kind not in "iu" or np.array_equal(cast, array):
            return cast
    raise ValueError(
        f"`example` must hold {dtype} for the input {name!r}. Received: "
        f"{array.dtype}, such as {array.ravel()[:1].tolist()[0]!r}"
    )
