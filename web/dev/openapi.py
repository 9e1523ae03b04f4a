"""Writes web/openapi.json, from which `npm run api` generates the console's types, from the code of
the API itself; `--check` only says whether the committed one is still true (exit 1 when not).

    .venv/bin/python web/dev/openapi.py && .venv/bin/python web/build.py run api
"""

import json
import os
import sys
import tempfile
from pathlib import Path

SNAPSHOT = Path(__file__).resolve().parents[1] / "openapi.json"


def document() -> str:
    """The OpenAPI document as the server gives it; no database is asked for it."""
    with tempfile.TemporaryDirectory() as data:
        os.environ |= {
            "TOCSIN_DATA": data,
            "TOCSIN_DATABASE_URL": f"postgresql://nobody@/none?host={data}",
        }
        from tocsin.apps.setup import start_django

        start_django()
        from tocsin.apps.desk.api import api

        schema = api.get_openapi_schema()
    return json.dumps(schema, indent=1, sort_keys=True, default=str) + "\n"


def main(arguments: list[str]) -> None:
    fresh = document()
    if arguments == ["--check"]:
        if SNAPSHOT.read_text(encoding="utf-8") != fresh:
            sys.exit("web/openapi.json is behind the API: run web/dev/openapi.py and the api script")
    elif arguments:
        sys.exit(__doc__)
    else:
        SNAPSHOT.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
