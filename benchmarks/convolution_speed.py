"""Milliseconds of the convolutions of ResNet-32, and of their gradients.

The three stages of the network convolve with 3x3 kernels at 16, 32 and 64 channels, on
images of 32, 16 and 8 pixels, in batches of 128. TensorFlow with the convolutions of
oneDNN and JAX each run in a process of their own on one core, compiled, and the time of
the processor is measured. Writes `convolution_speed.json` into
`measuring.speed_folder()`.
"""

import argparse
import json
import os
import pathlib
import time

from measuring import run_on_backend, speed_folder, write_measurement

STAGES = ((16, 32), (32, 16), (64, 8))
BATCH_SIZE = 128
ONE_CORE = {
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "NPROC": "1",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="timed calls of each")
    parser.add_argument("--output", type=pathlib.Path, default=speed_folder())
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure_backend(arguments.rounds)))
        return
    options = ["--worker", "--rounds", str(arguments.rounds)]
    tensorflow, jax = (
        run_on_backend(backend, __file__, options, ONE_CORE)
        for backend in ("tensorflow", "jax")
    )
    rows = [
        {**of_tf, **of_jax, "jax_to_tensorflow": ratio(of_tf, of_jax)}
        for of_tf, of_jax in zip(tensorflow["rows"], jax["rows"], strict=True)
    ]
    write_measurement(
        arguments.output / "convolution_speed.json",
        f"python benchmarks/convolution_speed.py --rounds {arguments.rounds}",
        tensorflow["environment"],
        rows,
    )


def ratio(of_tensorflow, of_jax):
    theirs = of_tensorflow["tensorflow_milliseconds"]
    return round(of_jax["jax_milliseconds"] / theirs, 2)


def measure_backend(rounds):
    """Returns the rows of this process's backend, and its environment."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import keras
    import numpy as np

    from keras_ccar.benchmark.runner.environment import current_environment

    random = np.random.default_rng(0)
    backend = keras.backend.backend()
    rows = []
    for channels, pixels in STAGES:
        images = random.normal(size=(BATCH_SIZE, pixels, pixels, channels))
        kernel = random.normal(size=(3, 3, channels, channels))
        arrays = [x.astype("float32") for x in (images, kernel, images)]
        build = tensorflow_calls if backend == "tensorflow" else jax_calls
        for name, call in build(*arrays).items():
            rows.append(
                {
                    "channels": channels,
                    "computed": name,
                    f"{backend}_milliseconds": least_milliseconds(call, rounds),
                }
            )
    return {"rows": rows, "environment": current_environment()}


def least_milliseconds(call, rounds):
    """Returns the least time of a call on the processor; the first two compile."""
    seconds = []
    for _ in range(rounds + 2):
        begin = time.process_time()
        call()
        seconds.append(time.process_time() - begin)
    return round(min(seconds[2:]) * 1e3, 2)


def tensorflow_calls(images, kernel, upstream):
    """Returns what computes the convolution and its two gradients, by name."""
    import tensorflow as tf

    images, kernel, upstream = map(tf.constant, (images, kernel, upstream))
    settings = {"strides": [1, 1, 1, 1], "padding": "SAME"}

    @tf.function
    def forward():
        return tf.raw_ops.Conv2D(input=images, filter=kernel, **settings)

    @tf.function
    def of_input():
        return tf.raw_ops.Conv2DBackpropInput(
            input_sizes=images.shape, filter=kernel, out_backprop=upstream, **settings
        )

    @tf.function
    def of_kernel():
        return tf.raw_ops.Conv2DBackpropFilter(
            input=images, filter_sizes=kernel.shape, out_backprop=upstream, **settings
        )

    calls = (lambda: forward().numpy(), lambda: of_input().numpy())
    return named(*calls, lambda: of_kernel().numpy())


def jax_calls(images, kernel, upstream):
    """Returns what `tensorflow_calls` does, on JAX."""
    import jax

    images, kernel, upstream = map(jax.numpy.asarray, (images, kernel, upstream))

    def convolve(images, kernel):
        return jax.lax.conv_general_dilated(
            images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    def of_input(images, kernel, upstream):
        return jax.vjp(lambda x: convolve(x, kernel), images)[1](upstream)[0]

    def of_kernel(images, kernel, upstream):
        return jax.vjp(lambda x: convolve(images, x), kernel)[1](upstream)[0]

    def compiled(function, *operands):
        call = jax.jit(function)
        return lambda: call(*operands).block_until_ready()

    return named(
        compiled(convolve, images, kernel),
        compiled(of_input, images, kernel, upstream),
        compiled(of_kernel, images, kernel, upstream),
    )


def named(forward, of_input, of_kernel):
    return {
        "convolution": forward,
        "gradient of the input": of_input,
        "gradient of the kernel": of_kernel,
    }


if __name__ == "__main__":
    main()
