"""Script detection and conversion between Simplified and Traditional Chinese."""

from tasks.convert.converter import Converted, Converter
from tasks.convert.engine import OpenCC
from tasks.convert.script import Script

__all__ = ["Converted", "Converter", "OpenCC", "Script"]
