"""What can go wrong with a store; every message says what to do."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot do what was asked."""


class StoreBusyError(StoreError):
    """Another run holds the store."""


class ConflictError(StoreError):
    """The store has moved on since this run read it."""


class LedgerError(StoreError):
    """The rows handed over do not balance; nothing was committed."""


class DamagedError(StoreError):
    """A file of the store is missing or its bytes are not those that were written."""


class UnknownVersionError(StoreError):
    """There is no such version."""
