"""SIA DC-09 (IP alarm reporting)."""
