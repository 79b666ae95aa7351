import pytest
from activa_sim import _native


@pytest.fixture(params=["reference", "native"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test by NumPy and by compiled code."""
    name: str = request.param
    if name == "native" and _native.library is None:
        pytest.skip("nothing is compiled")
    monkeypatch.setenv("ACTIVA_BACKEND", name)
    return name
