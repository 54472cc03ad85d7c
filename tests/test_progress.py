"""Progress bars: shown when asked for, silent otherwise, nested without trouble."""

from __future__ import annotations

import dask.array as da
import pytest

from climcube.options import set_options
from climcube.progress import dask_progress, progress_bar, shows_progress


def test_silent_by_default_where_stderr_is_not_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress_bar("reading", 2) as advance:
        advance()
        advance(1)
    with dask_progress("computing"):
        da.ones(4, chunks=2).sum().compute()
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == ""


def test_option_and_argument_decide() -> None:
    assert not shows_progress()
    with set_options(progress=True):
        assert shows_progress()
        assert not shows_progress(False)
    with set_options(progress=False):
        assert shows_progress(True)
        assert not shows_progress()


def test_bar_goes_to_the_error_stream(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("reading files", 3, progress=True) as advance:
        for _ in range(3):
            advance()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "reading files" in captured.err and "3/3" in captured.err


def test_bytes_are_added_up_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("saving", 3, progress=True) as advance:
        advance(2, nbytes=1500)
        advance(nbytes=700)
    err = capsys.readouterr().err
    assert "2.2 kB written" in err and "3/3" in err


def test_dask_tasks_are_counted_over_several_computations(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with set_options(progress=True), dask_progress("computing"):
        da.ones(40, chunks=10).map_blocks(lambda b: b + 1).compute(scheduler="sync")
        da.ones(40, chunks=10).map_blocks(lambda b: b + 2).compute(scheduler="threads")
    err = capsys.readouterr().err
    done, _, total = next(w for w in err.split() if "/" in w).partition("/")
    assert done == total and int(total) >= 8


def test_nested_bars_share_one_display(capsys: pytest.CaptureFixture[str]) -> None:
    with (
        progress_bar("outer work", 1, progress=True) as outer,
        progress_bar("inner work", 2, progress=True) as inner,
    ):
        inner(2)
        outer()
    err = capsys.readouterr().err
    assert "outer work" in err and "inner work" in err


def test_an_error_inside_the_block_frees_the_display() -> None:
    with pytest.raises(ValueError, match="broken"), progress_bar("work", 1, progress=True):
        raise ValueError("broken")
    with progress_bar("again", 1, progress=True) as advance:
        advance()
