"""The history's rows: runs in words and figures, found by words, in pages that never part twins, with notes."""

import math
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pytest
from cachetools import LRUCache

from dashboard.experiment import history
from dashboard.experiment.words import data_words, model_words
from dashboard.server import services
from rnncore.config import TrainConfig
from rnncore.runs.scheduler import MAX_NOTE, ControlError, Scheduler, UnknownRun
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import Store
from tests.support.past_runs import MARKUP, add, add_records, run_of
from tests.support.past_runs import WORKSPACE as W


def test_newest_first_twins_together_and_in_order_and_nobody_elses(store: Store) -> None:
    add(store, "old")
    add(store, "a", "b")
    add(store, "not mine", workspace="another-workspace-0000001")
    add(store, "new")
    rows = [(run.label, run.twin) for run in history.runs_of(store, W)]
    assert rows == [("new", ""), ("a", "1 of 2"), ("b", "2 of 2"), ("old", "")]


def test_an_experiment_in_words() -> None:
    def words(**config: Any) -> tuple[str, str]:
        content = TrainConfig.model_validate(config).model_dump(mode="json")
        return data_words(content), model_words(content)

    assert words() == ("Adding problem, T = 50", "RNN, 32 units")
    assert words(data={"task": "adding", "kind": "task", "seq_len": 7})[0] == "Adding problem, T = 7"
    assert words(data={"kind": "bundled", "name": "sunspots"})[0] == "Monthly sunspots"
    assert words(data={"kind": "csv", "file": "sha256:0", "target": MARKUP})[0].endswith(MARKUP)
    files = [{"file": "sha256:0", "name": "a.csv"}, {"file": "sha256:1", "name": "b.csv"}]
    assert words(data={"kind": "upload", "files": files, "targets": ["y"]})[0] == "a.csv and 1 more, y"
    assert words(model={"nonlinearity": "relu", "num_layers": 2})[1] == "ReLU RNN, 2 layers of 32 units"
    assert data_words({"data": {"kind": "from a newer version"}}) == ""


def test_every_word_must_be_found_somewhere_in_the_row(store: Store) -> None:
    noted, other = add(store, "clipped at 1", model={"cell": "lstm"}) + add(store, "not clipped", status="killed")
    services.scheduler().set_note(W, noted, "Too SLOW")
    runs = history.runs_of(store, W)

    def found(text: str, statuses: Sequence[str] = ()) -> list[str]:
        return [run.id for run in history.find(runs, text, statuses)]

    assert found("") == [other, noted]
    assert found("LSTM slow adding") == [noted]
    assert found("lstm killed") == []
    assert found("killed") == found("", history.STATUSES["Failed"]) == [other]


def test_pages_hold_fifty_runs_and_never_part_twins() -> None:
    def run(number: int, group: int) -> history.HistoryRun:
        return history.HistoryRun(str(number), str(group), "", "", "finished", "", 0, 1, 0.0, "", "", "")

    runs = [run(0, 0), *(run(number, (number + 1) // 2) for number in range(1, 121))]
    divided = history.pages(runs)
    assert [len(page) for page in divided] == [49, 50, 22]
    assert list(chain.from_iterable(divided)) == runs
    assert all(first[-1].group != second[0].group for first, second in pairwise(divided))
    assert history.pages([]) == [[]]


def test_the_sparkline_is_the_mean_logarithm_of_equal_stretches() -> None:
    losses = np.geomspace(1, 1e-8, 4000)
    line = history.sparkline(losses)
    assert len(line) == history.SPARK_POINTS
    stretch = [-math.fsum(math.log10(1 / loss) for loss in losses[i : i + 100]) / 100 for i in range(0, 4000, 100)]
    assert line == pytest.approx(stretch, abs=6e-4)
    assert history.sparkline(np.array([math.nan, 10.0, math.inf, 0.0, 1000.0])) == (1.0, 3.0)
    assert history.sparkline(np.array([])) == ()


def test_figures_of_a_diverged_run_are_its_last_finite_ones(store: Store) -> None:
    reason = "The loss became NaN at step 4."
    (run_id,) = add(
        store, "x", status="diverged", reason=reason, losses=(3.0, 2.0, 8.0, math.nan), val=(None, 0.5, 0.75)
    )
    measured = history.measure(store, run_of(store, run_id))
    assert (measured.last_loss, measured.best_val_loss, measured.verdict) == (8.0, 0.5, reason)


@pytest.mark.parametrize(
    ("metric", "right", "error"), [("error rate", 0.75, None), ("share of symbols recalled", 0.25, None),
                                   ("root mean square error, original units", None, 0.25)]
)  # fmt: skip
def test_the_metric_is_a_share_of_right_answers_or_an_error(
    store: Store, metric: str, right: float | None, error: float | None
) -> None:
    (run_id,) = add(store, "x", metric=(metric, 0.25))
    measured = history.measure(store, run_of(store, run_id))
    assert (measured.right, measured.error) == (right, error)


def test_a_run_without_records_has_no_figures(store: Store) -> None:
    (run_id,) = add(store, "x", status="failed", losses=(), reason="Row 3 is empty.")
    assert history.measure(store, run_of(store, run_id)) == history.Measured(verdict="Row 3 is empty.")


def test_an_ended_run_is_measured_once_and_again_when_it_has_gone_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run_id,) = add(store, "x", status="stopped", losses=(4.0, 2.0))
    first = history.measure(store, run_of(store, run_id))
    with monkeypatch.context() as patch:
        patch.setattr(history, "look", None)  # looking again would fail
        assert history.measure(store, run_of(store, run_id)) is first
    add_records(store, run_id, (4.0, 2.0, 1.0))
    assert history.measure(store, run_of(store, run_id)).last_loss == 1.0


def test_many_threads_list_and_measure_more_runs_than_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        add(store, f"run {number}", status="stopped", losses=(4.0, float(number)))
    for cache in ("_words", "_measured"):
        monkeypatch.setattr(history, cache, LRUCache(3))
    monkeypatch.setattr(history, "_measure", lambda _, run: history.Measured(verdict=run.label))

    runs = history.runs_of(store, W) * 2000
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(16) as threads:
            lists = [threads.submit(history.runs_of, store, W) for _ in range(100)]
            measured = list(threads.map(lambda run: history.measure(store, run).verdict, runs))
    finally:
        sys.setswitchinterval(before)

    assert measured == [run.label for run in runs]
    assert [each.result() for each in lists] == [runs[:8]] * 100
    assert len(history._words) == len(history._measured) == 3


def test_addresses_and_targets_name_a_whole_group_by_its_id(store: Store) -> None:
    add(store, "a", "b")
    add(store, "c")
    c, a, b = runs = history.runs_of(store, W)
    assert history.address([a, b], runs) == watch_key(a.group)
    assert history.address([a], runs) == watch_key(a.id)
    assert history.address([c, b], runs) == f"{watch_key(c.id)},{watch_key(b.id)}"
    assert history.targets([c, a, b], runs) == [c.group, a.group]
    assert history.targets([b], runs) == [b.id]


def test_a_note_is_kept_bounded_and_only_for_its_own_workspace(scheduler: Scheduler, store: Store) -> None:
    (run_id,) = add(store, "x")
    scheduler.set_note(W, run_id, "  a remark\n")
    assert run_of(store, run_id).note == "a remark"
    with pytest.raises(UnknownRun):
        scheduler.set_note("another-workspace-0000001", run_id, "mine now")
    with pytest.raises(UnknownRun):
        scheduler.set_note(W, "no-such-run", "x")
    with pytest.raises(ControlError, match=r"501 characters are not allowed; allowed: up to 500"):
        scheduler.set_note(W, run_id, "x" * (MAX_NOTE + 1))
    assert run_of(store, run_id).note == "a remark"


def test_a_group_says_by_what_its_runs_differ_and_calls_them_by_that(store: Store) -> None:
    alone = add(store, "a name")
    twins = add(store, "clipped at 1", "not clipped", each=({"clip": {"method": "norm"}}, {}))
    rates = add(store, "x", "x", each=({}, {"optimizer": {"learning_rate": 0.1}}))
    everything = history.runs_of(store, W)
    told = dict(zip((run.id for run in everything), history.in_groups(store, everything, everything), strict=True))
    assert [told[run] for run in alone] == [("a name", "")]
    assert [told[run] for run in twins] == [
        ("clipped at 1", "1 of 2, by clipping"),
        ("not clipped", "2 of 2, by clipping"),
    ]
    assert [told[run] for run in rates] == [
        ("learning rate 0.005", "1 of 2, by learning rate"),
        ("learning rate 0.1", "2 of 2, by learning rate"),
    ]
    second = [run for run in everything if run.id == rates[1]]
    assert history.in_groups(store, second, everything) == [told[rates[1]]], "also where a filter hides the others"
