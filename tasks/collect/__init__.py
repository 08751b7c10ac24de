"""Collect captures: find the files of a source, read the captures in them, whatever their format."""

from tasks.collect.inputs import CollectError, InputFile, find_inputs
from tasks.collect.registry import FORMATS, read_captures

__all__ = ["FORMATS", "CollectError", "InputFile", "find_inputs", "read_captures"]
