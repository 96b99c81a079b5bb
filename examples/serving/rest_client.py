"""Asks TensorFlow Serving over REST; needs nothing but Python.

Usage: python rest_client.py [URL], by default http://localhost:8501
"""

import json
import sys
import urllib.error
import urllib.request


def predict(instances, model="digits", server="http://localhost:8501"):
    """Classifies examples.

    Args:
        instances: list of examples: nested lists, or for models with several inputs
            dicts by the name of the input.
        model: name of the model.
        server: where TensorFlow Serving's REST port is.

    Returns:
        One dict per example, with `probabilities` and `class_names`.

    Raises:
        RuntimeError: with the server's message, if it rejects the request.
    """
    request = urllib.request.Request(
        f"{server}/v1/models/{model}:predict",
        data=json.dumps({"instances": instances}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)["predictions"]
    except urllib.error.HTTPError as error:
        with error:
            raise RuntimeError(json.load(error)["error"]) from error


if __name__ == "__main__":
    # A seven: a bar above a slanted stroke, 8 by 8 pixels in [0, 255].
    columns = [range(1, 7), range(5, 7), [5], [4, 5], [4], [3, 4], [3], [3]]
    image = [[[255.0 * (x in row)] for x in range(8)] for row in columns]
    (answer,) = predict([image], server=(sys.argv[1:] or ["http://localhost:8501"])[0])
    best = sorted(
        zip(answer["probabilities"], answer["class_names"], strict=True), reverse=True
    )
    for probability, name in best[:3]:
        print(f"{name}: {probability:.3f}")
