"""Make sure that Debian's packages that tests need are there (Chromium, CJK fonts, the broker
mosquitto): install them with apt as root, else say how."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ["chromium", "fonts-noto-cjk", "fonts-noto-core", "mosquitto", "mosquitto-clients"]
PROGRAMS = ("chromium", "mosquitto", "mosquitto_pub")
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin"  # a broker is no program of every user's path
FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")


def main() -> int:
    if FONT.exists() and all(shutil.which(one, path=PLACES) for one in PROGRAMS):
        return 0
    command = f"apt-get update && apt-get install -y {' '.join(PACKAGES)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"Tests need Chromium, CJK fonts and mosquitto. As root: {command}", file=sys.stderr)
        return 1
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        subprocess.run(["apt-get", *step], check=True, env=environment, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
