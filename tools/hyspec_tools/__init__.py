"""Command-line programs of hyspec: arguments, printing and pictures."""
