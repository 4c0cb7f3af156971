"""Version of the package."""

from importlib.metadata import version

VERSION = version("hyspec")
#: What streams say of their writer.
SOFTWARE = f"hyspec {VERSION}"
