import pytest

from clip_har.core.workers import joblib_worker


def test_workers_of_joblib_are_numbered_as_joblib_names_them() -> None:
    joblib = pytest.importorskip("joblib")
    found = joblib.Parallel(n_jobs=2, backend="loky")(
        joblib.delayed(joblib_worker)() for _ in range(4)
    )
    numbers = sorted(set(found))  # from 0 on, unless this process started workers before
    assert numbers in ([numbers[0]], [numbers[0], numbers[0] + 1]), "they take devices in turn"
    assert joblib_worker() is None
