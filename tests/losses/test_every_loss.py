import loss_checks
import pytest

CASES = loss_checks.public_cases()


@pytest.mark.parametrize("check", loss_checks.CHECKS, ids=lambda c: c.__name__[6:])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_common(case, check):
    check(case)


def test_all_load_in_a_new_process():
    loss_checks.check_all_load_in_a_new_process(CASES)
