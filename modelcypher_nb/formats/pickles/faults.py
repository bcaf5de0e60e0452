"""The machine's own exception, below both the machine and its opcodes."""

__all__ = ["FaultError"]


class FaultError(Exception):
    """The pickle breaks its own rules here; the text says how."""
