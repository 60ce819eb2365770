import numpy as np

from geojobs_lab.rasters.packing import unpack


def test_what_is_stored_stays_as_it_is_and_is_copied_only_where_cells_are_missing():
    stored = np.array([1, -9, 3], np.float32)
    attributes = {"_FillValue": np.float32(-9)}
    values = unpack(stored, attributes)
    assert np.isnan(values[1])
    assert stored.tolist() == [1, -9, 3]
    assert np.shares_memory(unpack(stored[:1], attributes), stored)
    assert unpack(stored[:1], {**attributes, "scale_factor": np.float32(2)}).tolist() == [2]
    assert stored[0] == 1
