"""A fault that nobody has thought of ends neither the worker, nor is it taken for something that was told."""

import logging
from threading import Event

import pytest

from flask_gatehouse.alerts.deadline import within_deadline
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.ops import worker
from flask_gatehouse.ops.worker import Job, work


def break_off() -> None:
    raise UnicodeEncodeError("ascii", "hush-ü", 5, 6, "of a password")


def test_what_broke_off_was_not_told() -> None:
    with pytest.raises(DependencyUnavailable) as caught:
        within_deadline(break_off, "the mail server")
    assert "UnicodeEncodeError" in str(caught.value)
    assert "the mail server" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_job_that_breaks_off_ends_no_other(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    done = Event()
    jobs = [Job(break_off, 0.5), Job(done.set, 0.5)]
    monkeypatch.setattr(worker.time, "monotonic", lambda: 1000.0)
    with caplog.at_level(logging.ERROR):
        work(jobs)
    assert done.is_set()
    assert [job.due for job in jobs] == [1000.0 + worker.AFTER_A_FAULT, 1000.5]
    assert "a job of the worker has failed" in caplog.text
    assert "UnicodeEncodeError" in caplog.text
