"""Benchmarks of hyspec against other codecs and coders."""
