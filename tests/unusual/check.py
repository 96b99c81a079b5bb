"""Checks the cells of a row: what comes of an input, and whether advice helps."""

import re

import keras
import numpy as np
import pytest
from unusual.compiled_calls import (
    HAS_COMPILED_STEPS,
    can_be_compiled,
    run_compiled,
)
from unusual.outcomes import Documented, Error, Nan, Right

import keras_ccar

PACKAGE = keras_ccar.__path__[0]
# What messages about the content of an argument begin with.
NAMES_OF_DATA = "(^|: .?)(Labels?|A label|All labels|Distributions|Arrays|The data) "


def check_cells(row, subjects):
    """Checks one input in all objects of a family, eager and compiled."""
    problems = []
    for subject in subjects:
        for number, variant in enumerate(row.variants):
            call = variant(subject.sane_call(row.shape))
            if not subject.takes(call):
                continue
            where = f"{subject.name}, {row.name} [{number}], eager"
            problems += _told(where, _check_eager, row.outcome(subject), subject, call)
    if row.is_compiled:
        problems += _check_compiled(row, subjects)
    assert not problems, "\n".join(problems)


def _told(where, check, *arguments):
    try:
        check(*arguments)
    except (Exception, pytest.fail.Exception) as error:
        return [f"{where}: {type(error).__name__}: {error}"]
    return []


def _check_eager(outcome, subject, call):
    if isinstance(outcome, Error):
        # A step of `fit` is compiled, except on torch.
        if outcome.is_nan and subject.in_fit and HAS_COMPILED_STEPS:
            _check_value(Nan(), subject.run_eagerly(call), subject, call)
        else:
            run = lambda: subject.run_eagerly(call)  # noqa: E731
            _check_error(outcome, run, subject.errors)
        _check_advice(outcome, subject, call)
    else:
        _check_value(outcome, subject.run_eagerly(call), subject, call)


def _check_compiled(row, subjects):
    """Those with values run in one function; those that raise each in its own."""
    problems, together = [], {}
    for subject in subjects:
        call = row.variants[0](subject.sane_call(row.shape))
        outcome = row.outcome(subject)
        where = f"{subject.name}, {row.name}, compiled"
        if not subject.is_compiled or not can_be_compiled(call):
            continue
        if isinstance(outcome, Error) and not outcome.is_nan:
            run = lambda s=subject, c=call: run_compiled([s], c)  # noqa: E731
            problems += _told(where, _check_error, outcome, run)
        else:
            key = (str(call.counts), str(call.arguments))
            together.setdefault(key, []).append((where, subject, call, outcome))
    for cells in together.values():
        results = run_compiled([subject for _, subject, _, _ in cells], cells[0][2])
        for (where, subject, call, outcome), result in zip(cells, results, strict=True):
            expected = Nan() if isinstance(outcome, Error) else outcome
            problems += _told(where, _check_value, expected, result, subject, call)
    return problems


def _check_value(outcome, actual, subject, call):
    if isinstance(outcome, Nan):
        flat = np.concatenate([np.ravel(x) for x in keras.tree.flatten(actual)])
        assert np.isnan(flat).any(), f"a number where NaN is expected: {actual}"
        return
    assert isinstance(outcome, Right | Documented)
    rtol = getattr(outcome, "rtol", 1e-5)
    expected = subject.expected(call)
    if isinstance(expected, dict):
        # A compiled step of JAX sorts the keys.
        assert set(actual) == set(expected)
        actual = [actual[key] for key in expected]
        expected = list(expected.values())
    else:
        actual, expected = [actual], [expected]
    for one, right in zip(actual, expected, strict=True):
        size = np.abs(np.nan_to_num(right)).max(initial=0.1)
        np.testing.assert_allclose(one, right, rtol=rtol, atol=rtol * size)


def _check_error(outcome, run, errors=(ValueError, TypeError)):
    with pytest.raises(errors) as caught:
        run()
    message = str(caught.value)
    name = f"`({outcome.argument})(=.*?)?`"
    assert re.search(f"{name}|{NAMES_OF_DATA}", message), message
    assert re.search(outcome.says, message, re.DOTALL), message
    if not isinstance(caught.value, ValueError | TypeError):
        return  # an assertion in a `tf.data` stream, which only has a fixed text
    assert re.search("[Rr]eceived", message), message
    files = [str(entry.path) for entry in caught.traceback]
    assert any(PACKAGE in file for file in files), files


def _check_advice(outcome, subject, call):
    """Does what the message says: it must work, and give the right value."""
    if outcome.fix is None:
        return
    fixed = outcome.fix(call, subject)
    if callable(fixed):
        fixed()
        return
    subject, fixed = fixed if isinstance(fixed, tuple) else (subject, fixed)
    _check_value(Right(), subject.run_eagerly(fixed), subject, fixed)
