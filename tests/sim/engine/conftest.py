"""The engine's functions run uncompiled here, which is the same code: to compile all of them takes
longer than to run these tests. The compiled ones run in a process of their own (test_compiled)."""

from __future__ import annotations

import numba

before = numba.config.DISABLE_JIT
numba.config.DISABLE_JIT = 1
import tocsin.sim.engine.run  # noqa: E402

numba.config.DISABLE_JIT = before
assert not hasattr(tocsin.sim.engine.run.simulate, "py_func")
