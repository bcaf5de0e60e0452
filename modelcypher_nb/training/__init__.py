"""Floor 3: the only room that runs models: the run, its control, its measures and its child processes."""
