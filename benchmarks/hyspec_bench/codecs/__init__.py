"""Codecs behind one interface: hyspec itself and its rivals."""
