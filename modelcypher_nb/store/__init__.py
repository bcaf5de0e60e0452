"""Floor 2: what is kept, and where: the catalog, metric series, checkpoints and their storage."""
