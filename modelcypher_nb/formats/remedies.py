"""What a person can do about a file that isn't taken as it is, in the same words wherever that is found."""

from __future__ import annotations

__all__ = ["FETCH_AGAIN", "FETCH_FROM_ADDRESS", "FIND_SAFETENSORS", "PULL"]

FETCH_AGAIN = "Fetch the file again from where it came, or ask its maker to write it anew."
FETCH_FROM_ADDRESS = "Read the page for what went wrong, then fetch the file itself: the address gave a page instead."
PULL = "Fetch the file that it stands for, in its repository: git lfs pull"
FIND_SAFETENSORS = "Look for a safetensors version of the model."
