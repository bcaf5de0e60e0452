"""The MCP server inside the kernel: an assistant acts on the same state as the person, behind a guarded door."""
