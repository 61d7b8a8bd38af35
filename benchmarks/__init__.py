"""What is measured and never timed in a test: `python -m benchmarks.decoding`."""
