"""What the `keras-ccar` command does; `keras_ccar_command` reads its options."""

import argparse
import logging
import sys
from collections.abc import Sequence

from rich.console import Console

from keras_ccar.benchmark.cli.compare import run_compare
from keras_ccar.benchmark.cli.count import run_count
from keras_ccar.benchmark.cli.errors import (
    INTERRUPTED,
    REFUSED,
    RequestError,
    describe_error,
)
from keras_ccar.benchmark.cli.predict import run_predict
from keras_ccar.benchmark.cli.report import run_report
from keras_ccar.benchmark.report.console import printable
from keras_ccar_command.usage import parse

_COMMANDS = {
    "compare": run_compare,
    "predict": run_predict,
    "report": run_report,
    "count": run_count,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command in a process that has imported Keras already.

    Args:
        arguments: list of command-line arguments; None for those of the process.

    Returns:
        The exit code, see `keras_ccar_command.main`.
    """
    return run(parse(arguments))


def run(options: argparse.Namespace) -> int:
    """Does what the options ask for, and returns the exit code."""
    if not options.verbose:
        # TensorFlow warns that every run has its own model to compile.
        for name in ("tensorflow", "absl", "jax"):
            logging.getLogger(name).setLevel(logging.ERROR)
    try:
        return _COMMANDS[options.command](options, Console())
    except (RequestError, OSError) as error:
        message = f"keras-ccar: error: {describe_error(error)}"
        print(printable(message), file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        # Before the first run or after the last, so no finished run is lost.
        print("keras-ccar: stopped.", file=sys.stderr)
        return INTERRUPTED
