"""Command-line programs of hyspec: arguments and printing only."""
