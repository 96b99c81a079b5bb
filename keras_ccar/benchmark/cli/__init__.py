"""The `keras-ccar` command."""

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
from keras_ccar.benchmark.cli.parser import build_parser
from keras_ccar.benchmark.cli.report import run_report
from keras_ccar.benchmark.report.console import printable

_COMMANDS = {"compare": run_compare, "report": run_report, "count": run_count}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code.

    Args:
        arguments: list of command-line arguments; None for those of the process.

    Returns:
        0 if all went well, 1 if a run failed, 2 for a request that cannot be met, 130
        after Ctrl-C.
    """
    options = build_parser().parse_args(arguments)
    # TensorFlow warns that every run has its own model to compile.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
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
