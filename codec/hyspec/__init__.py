"""hyspec: learned compression of hyperspectral cubes."""
