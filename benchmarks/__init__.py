"""What is measured and never timed in a test: `python -m benchmarks` measures all of it."""
