"""The command `keras-ccar compare`."""

import argparse
import dataclasses

from rich.console import Console

from keras_ccar.benchmark.cli.errors import INTERRUPTED, without_traceback
from keras_ccar.benchmark.cli.own_data import run_own_compare
from keras_ccar.benchmark.python_api import train, write_and_show
from keras_ccar.benchmark.runner.folder_lock import FolderInUseError
from keras_ccar.benchmark.runner.request import CompareRequest
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import get_method
from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.spec.settings import given_settings


def run_compare(options: argparse.Namespace, console: Console) -> int:
    """Trains what was asked for, writes the report, and returns the exit code."""
    if not options.is_named:
        return run_own_compare(options, console)
    with without_traceback(ValueError, OSError, ImportError):
        request = read_request(options)
        plan = request.build_plan()
    with without_traceback(OSError):
        request.folder.mkdir(parents=True, exist_ok=True)
    try:
        with without_traceback(FolderInUseError, OSError):
            comparison, failed = train(request, plan, console)
    except KeyboardInterrupt:
        return INTERRUPTED
    with without_traceback(OSError):
        write_and_show(comparison, failed, request.folder, console)
    return 1 if failed else 0


def read_request(options: argparse.Namespace) -> CompareRequest:
    """Returns the parsed options, which have the names of its fields, as a request."""
    methods = [get_method(name).name for name in options.methods]
    given = vars(options) | {"methods": methods}
    names = {field.name for field in dataclasses.fields(CompareRequest)}
    return CompareRequest(
        recipe_settings=given_settings(options, Recipe),
        loss_settings=given_settings(options, LossOptions),
        **{name: given[name] for name in names & given.keys()},
    )
