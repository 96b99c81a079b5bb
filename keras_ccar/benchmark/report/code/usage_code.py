"""The code that uses the best method of a comparison."""

import math

from keras_ccar.benchmark.comparison import Comparison, MethodEntry
from keras_ccar.benchmark.report.code.loss_calls import (
    call_of,
    format_call,
    literal,
    with_imports,
)
from keras_ccar.benchmark.report.code.own_code import CodeBlock, own_blocks


def code_of_best(comparison: Comparison) -> list[CodeBlock]:
    """Returns Python code that loads the best model, or trains with its method.

    Returns nothing if nothing is finished, or the best is none that users can call.
    """
    try:
        best = comparison.best()
    except ValueError:
        return []
    entries = {method["name"]: method for method in comparison.methods}
    method = entries[best.method]
    if "kind" in comparison.dataset:
        return own_blocks(comparison, method)
    loss = call_of(method["loss"])
    if not loss:
        return []
    lines = _training(method, loss, comparison.recipe["epochs"])
    return [CodeBlock("", with_imports("\n".join(lines)))]


def _training(method: MethodEntry, loss: str, epochs: int) -> list[str]:
    """Returns the lines that train with the loss of a method."""
    lines = []
    if method.get("head") == "cosine":
        lines.append("# The last layer of the model is keras_ccar.layers.CosineHead.")
    if "num_examples" in loss:
        lines += [
            "# class_counts: how many training examples are yes, for each label.",
            "# num_examples: how many training examples there are.",
        ]
    elif "class_counts" in loss:
        lines.append("# class_counts: how many training examples each class has.")
    lines += [f"loss = {loss}", "model.compile(optimizer, loss=loss)"]
    callbacks = ""
    if method.get("deferral"):
        # As the benchmark counts them: 0.8 times 200 epochs may be 159.99.
        start = math.floor(method["deferral"] * epochs + 1e-6)
        callbacks = f", callbacks=[keras_ccar.DeferredReweighting({start})]"
    lines.append(f"model.fit(train, epochs={epochs}{callbacks})")
    correction = method.get("correction")
    if correction:
        words = [f"{key}={literal(correction[key])}" for key in ("tau", "from_logits")]
        call = format_call("keras_ccar.LogitCorrection", ["class_counts", *words])
        lines += [
            f"correction = {call}",
            "model = keras_ccar.posthoc.chain(model, correction)",
        ]
    return lines
