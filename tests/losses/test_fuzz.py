import fuzz_losses
import numpy as np
import pytest
from fuzzing import free_calls
from fuzzing.blocks import Block
from fuzzing.running import Runner

GENERATOR = free_calls.Generator()
IS_JAX = free_calls.BACKEND == "jax"


@pytest.mark.parametrize("block", range(6 if IS_JAX else 12))
def test_calls_of_a_block(block):
    for number in range(block * fuzz_losses.BLOCK, block * fuzz_losses.BLOCK + 20):
        *_, problem = fuzz_losses.judge(number)
        assert problem is None, f"{fuzz_losses.describe(number)}  {problem}"


def test_calls_of_anything():
    # JAX compiles every operation for every new shape.
    for number in range(20 if IS_JAX else 200):
        call = GENERATOR.call(number)
        problem = free_calls.problem_of(call)
        assert problem is None, f"{vars(call)}\n  {problem}"


def test_a_call_is_made_from_its_number():
    last = fuzz_losses.BLOCK - 1
    for number in (0, 7, last, 5 * last):
        first, again = (fuzz_losses.describe(number) for _ in range(2))
        assert first == again
        fuzz_losses.runner_of.cache_clear()
        assert fuzz_losses.describe(number) == first


def test_blocks_make_every_object():
    blocks = [Block(number) for number in range(400)]
    names = {type(block.make()).__name__ for block in blocks}
    # The other binary losses are called by `Generator`, which has no oracle.
    assert names >= {case.name for case in GENERATOR.cases if not case.is_binary}
    assert "BinaryCCARLoss" in names
    assert names >= {"BalancedAccuracy", "PerClassRecall", "ShotAccuracy"}
    assert names >= {"WeightedSum", "ExpectedCalibrationError", "LogitCorrection"}
    assert {block.axis for block in blocks} == {-1, 1}
    assert {block.form for block in blocks} >= {"sparse", "mixed", "targets"}


def test_blocks_have_wrong_values_of_every_kind():
    wrong = [
        Block(number).values(call).wrong for number in range(40) for call in range(30)
    ]
    kinds = {w.partition(":")[0] for w in wrong if w}
    assert kinds == {"labels", "predictions", "weights"}
    assert 0.1 < np.mean([w is not None for w in wrong]) < 0.4


def test_a_wrong_number_is_a_problem(monkeypatch):
    runner = Runner(next(n for n in range(40) if Block(n).kind == "loss"))
    right = runner.block.expected
    monkeypatch.setattr(runner.block, "expected", lambda values: right(values) + 0.01)
    judged = [runner.judge(number) for number in range(10)]
    well_formed = [problem for is_well_formed, problem in judged if is_well_formed]
    assert well_formed
    assert all(well_formed)


def test_numbers_make_every_loss_and_both_kinds():
    calls = [GENERATOR.call(number) for number in range(120)]
    kinds = {(call.loss_class, call.flaw is None) for call in calls}
    assert len(kinds) == 2 * len(GENERATOR.cases)
    flaws = {call.flaw.split(":")[0] for call in calls if call.flaw}
    assert {"y_true", "y_pred", "sample_weight", "class_counts", "mask"} <= flaws


@pytest.mark.parametrize(
    ("flaw", "spoil"),
    [
        (None, lambda call: call.arguments.update(strength=-1)),
        ("none", lambda call: None),
    ],
)
def test_what_goes_wrong_is_told(flaw, spoil):
    """An error from well-formed input, and none from what is said to be malformed."""
    case = next(c for c in GENERATOR.cases if c.name == "CCARLoss")
    arguments = {"class_counts": [3, 1], "from_logits": True}
    y_pred = free_calls.ops.convert_to_tensor([[0.5, 1.0]])
    call = free_calls.Call(case.loss_class, arguments, [1], y_pred, flaw=flaw)
    spoil(call)
    assert free_calls.problem_of(call) is not None


def test_errors_of_others_are_not_ours():
    with pytest.raises(ValueError, match="reshape") as caught:
        np.reshape(np.ones(3), (2, 2))
    assert not free_calls.is_ours(caught.value)
