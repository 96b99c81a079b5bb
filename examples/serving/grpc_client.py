"""Asks TensorFlow Serving over gRPC; needs tensorflow-serving-api.

Usage: python grpc_client.py [ADDRESS], by default localhost:8500
"""

import sys

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def predict(inputs, model="digits", address="localhost:8500", outputs=()):
    """Classifies examples.

    Args:
        inputs: dict of arrays of shape `(batch, ...)` by the name of the input.
        model: name of the model.
        address: where TensorFlow Serving's gRPC port is.
        outputs: names of the outputs to ask for; all, if empty.

    Returns:
        A dict of arrays: `probabilities`, and `class_names` as bytes.

    Raises:
        grpc.RpcError: with the server's message, if it rejects the request.
    """
    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name = model
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    with grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = stub.Predict(request, timeout=10)
    return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}


if __name__ == "__main__":
    # A seven: a bar above a slanted stroke, 8 by 8 pixels in [0, 255].
    columns = [range(1, 7), range(5, 7), [5], [4, 5], [4], [3, 4], [3], [3]]
    image = np.zeros((1, 8, 8, 1), "float32")
    for y, row in enumerate(columns):
        image[0, y, list(row)] = 255.0
    answer = predict({"image": image}, address=(sys.argv[1:] or ["localhost:8500"])[0])
    probabilities, names = answer["probabilities"][0], answer["class_names"][0]
    for label in np.argsort(-probabilities)[:3]:
        print(f"{names[label].decode()}: {probabilities[label]:.3f}")
