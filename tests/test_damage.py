import json

import damage
import pytest


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    return damage.Judge(tmp_path_factory.mktemp("damage"), seed=0)


@pytest.mark.slow
def test_damaged_files_are_never_believed(judge):
    outcomes = set()
    for number in range(60):
        name, kind, size, found = judge(number)
        assert size > 0
        assert "lost" not in found, (number, name, kind)
        outcomes |= found
    assert outcomes == {"noticed", "older_used", "begun_again", "not_needed"}


def test_a_file_is_damaged_by_its_number_alone(judge):
    assert [judge(number) for number in (7, 6)] == [judge(7), judge(6)]


def test_what_is_believed_is_counted_as_lost(judge):
    backups, records = judge.subjects
    for path, content in backups.contents.items():
        path.write_bytes(content)
    # Without a checksum in its name nothing tells that it is the other's content.
    plain = backups.newer.with_name("epoch-1-batch-4.weights.h5")
    backups.newer.unlink()
    plain.write_bytes(backups.contents[backups.older])
    assert backups.outcomes([backups.newer], is_gone=False) == {"lost"}
    plain.unlink()
    content = json.loads(records.content)
    del content["checksum"]
    content["balanced"] += 1
    records.path.write_text(json.dumps(content))
    assert records.outcomes(is_gone=False) == {"lost"}
