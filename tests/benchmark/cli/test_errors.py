import pytest

from keras_ccar.benchmark.cli import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "digits-lt", "--recipe", "plain"], "not meant for digits-lt"),
        (["compare", "digits-lt", "--pivot", "2"], "pivot"),
        (["compare", "digits-lt", "--methods", "ccar[pivot=2]"], "pivot"),
        (["compare", "digits-lt", "--methods", "ccar[tau=1]"], "setting 'tau' of"),
        (["compare", "digits-lt", "--strength", "-1"], "strength"),
        (["compare", "digits-lt", "--model", "vgg"], "model 'vgg' is unknown"),
        (["compare", "digits-lt", "--imbalance-factor", "1000"], "imbalance_factor"),
        (["compare", "digits-lt", "--epochs", "0"], "`epochs` of a recipe"),
        (["compare", "digits-lt", "--epochs", "2", "--steps", "60"], "--steps 60"),
        (["compare", "digits-lt", "--learning-rate", "inf"], "learning_rate"),
        (
            ["compare", "digits-lt", "--image-size", "8", "--crop-padding", "0"],
            "do not have three channels",
        ),
        (["report", "."], "has no results.json"),
        (["count", "digits-lt", "--data-seed", "-1"], "seed"),
    ],
)
def test_requests_that_cannot_be_met(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "mnist"],
        ["compare", "digits-lt", "--methods", "sgd"],
        ["compare", "digits-lt", "--label", "answer"],
        ["compare", ".", "--recipe", "plain"],
        ["compare", ".", "--no-flip"],
        [],
    ],
)
def test_unknown_names_are_usage_errors(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert "usage: keras-ccar" in capsys.readouterr().err


def test_an_output_that_is_no_folder_is_named(tmp_path, capsys):
    taken = tmp_path / "taken"
    taken.touch()
    for command in ("compare", "count"):
        assert main([command, "digits-lt", "--output", str(taken)]) == 2
        assert str(taken) in capsys.readouterr().err
