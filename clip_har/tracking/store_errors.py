"""Faults of an MLflow store as one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from clip_har.core.addresses import plain_address, without_login
from clip_har.core.imports import quick_imports
from clip_har.tracking.tracker import TrackingError


@contextmanager
def store_errors(uri: str | None) -> Iterator[None]:
    """Raise a one-line error if the store cannot be used; other errors pass."""
    with quick_imports():
        import requests
        from alembic.util.exc import CommandError
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (
        MlflowException,
        SQLAlchemyError,
        CommandError,
        requests.RequestException,
        OSError,
    ) as error:
        shown = plain_address(uri or "") or "SQLite in results_dir"
        reason = without_login((str(error).splitlines() or [type(error).__name__])[0])
        raise TrackingError(
            f"tracking.uri={shown}: the MLflow store cannot be used ({reason}); check the address,"
            " or run with tracking=none"
        ) from error
