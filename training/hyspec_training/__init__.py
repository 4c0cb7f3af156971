"""Training of hyspec models and their export to packs."""
