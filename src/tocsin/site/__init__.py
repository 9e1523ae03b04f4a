"""The outermost ring: settings, embedded database, supervisor, the tocsin command."""
