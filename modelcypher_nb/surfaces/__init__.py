"""Floor 6: words become operations: notebook magics, shell commands, the assistant's tools."""
