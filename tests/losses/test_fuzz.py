import fuzz_losses
import numpy as np
import pytest

GENERATOR = fuzz_losses.Generator()
# JAX compiles every operation for every new shape.
CALLS = 20 if fuzz_losses.BACKEND == "jax" else 200


def test_random_calls():
    for number in range(CALLS):
        call = GENERATOR.call(number)
        problem = fuzz_losses.problem_of(call)
        assert problem is None, f"{fuzz_losses.describe(number, call)}\n  {problem}"


def test_a_call_is_made_from_its_number():
    for number in range(20):
        first, again = (
            fuzz_losses.describe(number, GENERATOR.call(number)) for _ in range(2)
        )
        assert first == again


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
    y_pred = fuzz_losses.ops.convert_to_tensor([[0.5, 1.0]])
    call = fuzz_losses.Call(case.loss_class, arguments, [1], y_pred, flaw=flaw)
    spoil(call)
    assert fuzz_losses.problem_of(call) is not None


def test_errors_of_others_are_not_ours():
    with pytest.raises(ValueError, match="reshape") as caught:
        np.reshape(np.ones(3), (2, 2))
    assert not fuzz_losses.is_ours(caught.value)
