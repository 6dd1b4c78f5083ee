import av
import pytest


@pytest.fixture
def openings(monkeypatch) -> list[str]:
    """The files that were opened, in order."""
    opened = []
    real = av.open

    def counted(path, *args, **kwargs):
        opened.append(str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(av, "open", counted)
    return opened
