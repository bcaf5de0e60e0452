"""Files made to be judged: hostile ones, bombs and benign ones, each written by a script into a temporary folder."""
