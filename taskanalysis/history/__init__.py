"""See README."""

__all__: list[str] = []
