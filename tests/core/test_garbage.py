"""The garbage collector: spared while a house is at work, as before afterwards."""

import gc

from core import garbage


def test_what_is_loaded_is_left_out_for_the_length_of_the_block() -> None:
    """Thresholds are put back as they were."""
    before = gc.get_threshold(), gc.get_freeze_count()
    with garbage.spared():
        assert gc.get_freeze_count() > 1000
        assert gc.get_threshold() > before[0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_what_is_made_in_the_block_is_still_found() -> None:
    """Cycles of the block itself are looked for as ever."""
    with garbage.spared():
        ring: list[object] = []
        ring.append(ring)
        del ring
        assert gc.collect() > 0
