"""A stand-in for the module `time`, where a test is not to wait."""


class Clock:
    """A clock that only sleep moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def monotonic(self) -> float:
        return self.seconds
