"""Reference data: what must be right before the alarm comes. Sites and devices, hydrants, texts."""
