"""Hostile input is refused or read as text; `make hostile` tries all of it."""

import pathlib

import hostile
import pytest
from hostile_inputs import CANARY, CASES, PICKLE, Unpickled, command

# These take seconds each.
SLOW = {"names of a comparison", "names of a training", "measurement", "saved model"}
REPORT = ("names of a comparison", "a script")
QUICK = [case for case in CASES if case[0] not in SLOW]


@pytest.mark.parametrize("case", QUICK, ids=lambda case: f"{case[0]}, {case[1]}")
def test_hostile_input_costs_nothing(case):
    outcome, said = hostile.judge(case)
    assert outcome in ("refused", "read_harmlessly"), said


@pytest.mark.slow
def test_names_in_reports_are_text():
    case = next(case for case in CASES if case[:2] == REPORT)
    assert hostile.judge(case) == ("read_harmlessly", "")


def judge(read):
    return hostile.judge(("", "", (read,)))[0]


def test_what_is_not_harmless_is_counted():
    def unpickle(folder):
        import pickle

        pickle.loads(PICKLE)

    def fail(folder):
        raise KeyError("x")

    def wrong_command(folder):
        command("report", Unpickled)

    assert judge(unpickle) == "executed"
    assert judge(lambda folder: ["markup"]) == "executed"
    assert judge(fail) == "traceback"
    assert judge(lambda folder: None) == "read_harmlessly"
    assert judge(wrong_command) == "refused"
    assert not pathlib.Path(CANARY).exists()


def test_a_refusal_is_one_sentence():
    assert hostile.is_one_sentence("usage: x\nx: error: a.\n")
    assert not hostile.is_one_sentence("Traceback ...\nx: error: a.\n")
    assert not hostile.is_one_sentence("a\n")
