"""Japanese vision-language evaluation as a plugin of lmms-eval."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("lmms-eval-ja")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0+unknown"
