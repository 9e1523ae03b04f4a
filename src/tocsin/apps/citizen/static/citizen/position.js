// The one thing that needs a script, for those who have one: the phone's own position, and only
// when its owner asks for it. Without a script nothing of it is shown.
"use strict";
(() => {
  const place = document.getElementById("use-position");
  if (!place || !navigator.geolocation || !window.isSecureContext) return;
  const said = place.querySelector("[role=status]");
  place.hidden = false;
  place.querySelector("button").addEventListener("click", () => {
    said.textContent = place.dataset.asking;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        document.getElementById("position").value =
          `${coords.latitude.toFixed(4)}, ${coords.longitude.toFixed(4)}`;
        document.getElementById("datum").value = "WGS-84";
        document.getElementById("place").open = true;
        said.textContent = place.dataset.found.replace("{metres}", Math.max(10, Math.round(coords.accuracy)));
      },
      () => { said.textContent = place.dataset.failed; },
      { enableHighAccuracy: true, timeout: 15000, maximumAge: 30000 },
    );
  });
})();
