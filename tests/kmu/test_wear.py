"""When a table is compacted: after enough came, when the load ends, and once more when old versions may go."""

from fleetlore.kmu.wear import CLEAN_SECONDS, COMMITS, IDLE_SECONDS, ROWS, Wear


def compacted(at=0.0, *, version=100, rows=1_000):
    wear = Wear()
    assert wear.due(version, rows, at)  # by a process that has not compacted it yet, always
    wear.was_compacted(version, rows, at)
    return wear


def test_fifty_commits_are_enough_and_fewer_are_not():
    assert not compacted().due(100 + COMMITS - 1, 1_000, 1.0)
    assert compacted().due(100 + COMMITS, 1_000, 1.0)


def test_many_rows_at_once_are_enough_whether_they_came_or_went():
    assert not compacted().due(101, 1_000 + ROWS - 1, 1.0)
    assert compacted().due(101, 1_000 + ROWS, 1.0)
    assert compacted().due(101, 1_000 - ROWS, 1.0)


def test_a_few_commits_wait_until_nobody_writes_any_more():
    wear = compacted()
    assert not wear.due(103, 1_003, 5.0)
    assert not wear.due(104, 1_004, 10.0)
    assert not wear.due(104, 1_004, 10.0 + IDLE_SECONDS - 0.1)
    assert wear.due(104, 1_004, 10.0 + IDLE_SECONDS)


def test_when_readers_of_old_versions_are_done_these_go_and_then_nothing_is_to_do():
    wear = compacted()
    assert not wear.due(100, 1_000, CLEAN_SECONDS - 0.1)
    assert wear.due(100, 1_000, CLEAN_SECONDS)
    wear.was_compacted(101, 1_000, CLEAN_SECONDS)
    assert not wear.due(101, 1_000, 10 * CLEAN_SECONDS)


def test_what_comes_after_cleaning_is_cleaned_up_again():
    wear = compacted()
    wear.due(100, 1_000, CLEAN_SECONDS)
    wear.was_compacted(101, 1_000, CLEAN_SECONDS)
    assert wear.due(101 + COMMITS, 1_050, 200.0)
    wear.was_compacted(153, 1_050, 200.0)
    assert wear.due(153, 1_050, 200.0 + CLEAN_SECONDS)
