import pytest

from clip_har.data.decode import passes, video


@pytest.fixture
def passes_made(monkeypatch: pytest.MonkeyPatch) -> list[passes.Pass]:
    """The passes over videos that a test makes."""
    done: list[passes.Pass] = []
    decode = passes.decode_window

    def spy(*args, **kwargs):
        done.append(decode(*args, **kwargs))
        return done[-1]

    monkeypatch.setattr(video, "decode_window", spy)
    return done
