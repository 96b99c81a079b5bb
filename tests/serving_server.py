"""Local servers that answer TensorFlow Serving's REST and gRPC from a SavedModel.

They speak the real protocols over real sockets, but only for `predict`. TensorFlow
Serving itself cannot be installed with pip.
"""

import base64
import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


@contextlib.contextmanager
def serve_rest(signature, model):
    """Serves `POST /v1/models/<model>:predict` in the row format; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            request = json.loads(self.rfile.read(length))
            if self.path == f"/v1/models/{model}:predict":
                self.answer(200, {"predictions": _rows(signature, request)})
            else:
                error = f"Servable not found for request: {self.path}"
                self.answer(404, {"error": error})

        def answer(self, status, content):
            content = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("localhost", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _rows(signature, request):
    specs = signature.structured_input_signature[1]
    instances = request["instances"]
    if not isinstance(instances[0], dict):
        (name,) = specs
        instances = [{name: instance} for instance in instances]
    outputs = signature(
        **{
            name: tf.constant(
                [_decoded(instance[name]) for instance in instances], spec.dtype
            )
            for name, spec in specs.items()
        }
    )
    columns = {name: value.numpy().tolist() for name, value in outputs.items()}
    columns["class_names"] = [
        [name.decode() for name in names] for names in columns["class_names"]
    ]
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


def _decoded(value):
    is_binary = isinstance(value, dict) and set(value) == {"b64"}
    return base64.b64decode(value["b64"]) if is_binary else value


@contextlib.contextmanager
def serve_grpc(signature, model):
    """Serves `PredictionService.Predict`; yields the address."""

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802
            if request.model_spec.name != model:
                context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found")
            inputs = {
                name: tf.constant(tf.make_ndarray(value))
                for name, value in request.inputs.items()
            }
            response = predict_pb2.PredictResponse(model_spec=request.model_spec)
            for name, value in signature(**inputs).items():
                if not request.output_filter or name in request.output_filter:
                    response.outputs[name].CopyFrom(tf.make_tensor_proto(value.numpy()))
            return response

    server = grpc.server(ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Service(), server
    )
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        server.stop(None).wait()
