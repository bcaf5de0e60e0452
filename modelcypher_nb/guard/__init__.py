"""Floor 0: what may be touched. Files, secrets and addresses pass through here or not at all."""
