"""What a person can do about a file that isn't taken as it is, in the same words wherever that is found."""

from __future__ import annotations

__all__ = ["FETCH_AGAIN", "FIND_SAFETENSORS"]

FETCH_AGAIN = "Fetch the file again from where it came, or ask its maker to write it anew."
FIND_SAFETENSORS = "Look for a safetensors version of the model."
