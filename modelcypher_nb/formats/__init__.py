"""Floor 1: bytes become facts and tensors. Nothing here executes what a file holds, or knows of registry or widgets."""
