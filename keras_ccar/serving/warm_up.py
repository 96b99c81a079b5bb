"""The requests that a server warms up with."""

from pathlib import Path
from typing import Any

import numpy as np

# Batch sizes of the requests: a single example, and a small batch.
_BATCHES = (1, 8)
# Sizes that a model leaves free, such as those of images, without an example.
_FREE_SIZE = 32
# Values of an example that are shown, and bytes of a string.
_SHOWN, _SHOWN_BYTES = 6, 20
# Lines of TensorFlow's messages that do not say what failed.
_NO_CAUSE = ("Graph execution error", "Detected at node", "<stack traces", "File ")


def warm_up_requests(
    specs: dict[str, Any], example: dict[str, np.ndarray] | None
) -> list[dict[str, np.ndarray]]:
    """Returns the inputs of each request: the example repeated, or else blanks.

    Args:
        specs: the specs of the inputs by name.
        example: a batch for each input, or None.
    """
    if example is None:
        return [
            {name: _blank(spec, size) for name, spec in specs.items()}
            for size in _BATCHES
        ]
    return [
        {
            name: batch.take(np.arange(size) % len(batch), axis=0)
            for name, batch in example.items()
        }
        for size in _BATCHES
    ]


def _blank(spec: Any, size: int) -> np.ndarray:
    shape = [_FREE_SIZE if n is None else n for n in spec.shape[1:]]
    value, dtype = (b"", object) if spec.dtype == "string" else (0, spec.dtype)
    return np.full((size, *shape), value, dtype)


def check_warm_up(
    serve: Any,
    requests: list[dict[str, np.ndarray]],
    specs: dict[str, Any],
    has_example: bool,
) -> None:
    """Calls the exported function: a server does not start if its warm-up fails."""
    for request in requests:
        try:
            serve(request)
        except Exception as error:
            sent = ", ".join(
                f"`{name}`: {_describe(value, specs[name], has_example)}"
                for name, value in request.items()
            )
            raise RuntimeError(
                "`model` fails on a warm-up request, so a server would not start. "
                f"Sent: {sent}. Cause: {_cause(error)}. Pass `example=`, what a client "
                "sends for one example, to send that instead; or `warm_up=False` to "
                "write the model without warm-up requests."
            ) from error


def _describe(value: np.ndarray, spec: Any, has_example: bool) -> str:
    """Returns what was sent for an input, in a few words."""
    is_string = value.dtype == object
    if has_example:
        if is_string and value.size == 1:
            text = value.flat[0]
            short = text[:_SHOWN_BYTES]
            return f"{short!r}" + (
                f" and {len(text) - len(short)} more bytes" if text != short else ""
            )
        if value.size <= _SHOWN and not is_string:
            return f"{value.tolist()}"
        kind = "strings" if is_string else value.dtype
        return f"{kind} of shape {value.shape}"
    what = "b''" if is_string else "zeros"
    if is_string and value.size == 1 and value.ndim == 1:
        return what
    free = None in spec.shape[1:]
    rest = f", with {_FREE_SIZE} for the sizes that it leaves free" if free else ""
    return f"{what} of shape {value.shape}{rest}"


def _cause(error: Exception) -> str:
    """Returns the first line of an error that says what failed."""
    lines = [line.strip() for line in str(getattr(error, "message", error)).split("\n")]
    lines = [line for line in lines if line and not line.startswith(_NO_CAUSE)]
    return lines[0].rstrip(".") if lines else type(error).__name__


def write_warm_up(
    folder: Path,
    requests: list[dict[str, np.ndarray]],
    model_name: str,
    tf: Any,
    messages: Any,
) -> None:
    """Writes the requests where TensorFlow Serving looks for them.

    Args:
        folder: the folder of the SavedModel.
        requests: the inputs of each request.
        model_name: the name under which the model is served.
        tf: the module `tensorflow`.
        messages: the module `tensorflow_serving.apis.prediction_log_pb2`.
    """
    file = folder / "assets.extra" / "tf_serving_warmup_requests"
    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as writer:
        for inputs in requests:
            log = messages.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = model_name
            request.model_spec.signature_name = "serving_default"
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
            writer.write(log.SerializeToString())
