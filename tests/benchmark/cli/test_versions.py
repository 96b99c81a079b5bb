"""Which versions of a model lie in its folder."""

import pytest

from keras_ccar.benchmark.cli.versions import list_versions


def test_versions_are_in_order_and_unfinished_ones_do_not_count(tmp_path):
    assert list_versions(tmp_path / "nowhere") == []
    assert list_versions(tmp_path) == []
    for name in ("10", "9", "1", ".11.0123456789abcdef0123456789abcdef"):
        (tmp_path / name).mkdir()
    assert list_versions(tmp_path) == [1, 9, 10]


@pytest.mark.parametrize("name", ["model", "1a", "-1", "²"])
def test_other_folders_are_refused(tmp_path, name):
    (tmp_path / "1").mkdir()
    (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match="nothing but numbered versions.*" + name):
        list_versions(tmp_path)


def test_files_are_refused(tmp_path):
    file = tmp_path / "3"
    file.write_text("")
    with pytest.raises(ValueError, match="holds '3'"):
        list_versions(tmp_path)
    with pytest.raises(ValueError, match="is a file"):
        list_versions(file)
