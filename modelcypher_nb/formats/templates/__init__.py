"""Chat templates: parsed, and judged by the values that their expressions can have; never rendered."""
