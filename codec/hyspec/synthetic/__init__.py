"""Synthetic hyperspectral scenes with known endmembers, abundances, labels and noise."""

from hyspec.synthetic.scene import SyntheticScene, scene
from hyspec.synthetic.sensor import SENSORS, SensorGrid

__all__ = ["SENSORS", "SensorGrid", "SyntheticScene", "scene"]
