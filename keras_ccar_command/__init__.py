"""The `keras-ccar` command: reads its options, then imports the package and obeys.

Importing anything of `keras_ccar` imports Keras, which takes seconds. This package
stands beside it and imports only the standard library, so that help and errors of usage
are there at once.
"""

import contextlib
import importlib
import sys
from collections.abc import Sequence

from keras_ccar_command.quiet import without_log_lines
from keras_ccar_command.usage import parse

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code.

    Args:
        arguments: list of command-line arguments; None for those of the process.

    Returns:
        0 if all went well, 1 if a run failed, 2 for a request that cannot be met, 130
        after Ctrl-C.
    """
    options = parse(arguments)
    quiet = contextlib.nullcontext() if options.verbose else without_log_lines()
    try:
        with quiet:
            from keras_ccar.benchmark.cli import run

            if options.command in ("compare", "predict"):
                # Every backend reads its data through TensorFlow, if it is there.
                with contextlib.suppress(ImportError):
                    importlib.import_module("tensorflow")
    except KeyboardInterrupt:
        print("keras-ccar: stopped.", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        advice = "Run `pip install 'keras_ccar[benchmark]'`."
        if "pip install" in str(error):  # It says so itself.
            advice = ""
        print(f"keras-ccar: error: {error}. {advice}".rstrip(), file=sys.stderr)
        return 2
    return run(options)
