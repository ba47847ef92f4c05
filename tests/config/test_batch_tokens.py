from __future__ import annotations

import pytest

from bertkit.config.batch_tokens import TABLE, Work, batch_tokens


@pytest.mark.parametrize("work", TABLE)
def test_every_kind_of_device_has_its_tokens(work: Work) -> None:
    assert set(TABLE[work]) == {"cpu", "mps", "cuda"}
    assert [batch_tokens(work, kind) for kind in TABLE[work]] == list(TABLE[work].values())
    assert batch_tokens(work, "xpu") == batch_tokens(work, "cpu")
