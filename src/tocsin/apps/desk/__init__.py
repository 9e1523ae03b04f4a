"""The API below /api/v1: what the desk, a crew's device or another program asks and commands."""
