"""What operators run: the worker's jobs."""
