// The map: follows the selection, never takes the keyboard, and shows incidents and units also
// where no base map is installed. Loaded only after the rest of the desk stands.

import "./map.css";

import { addProtocol, Map as MapLibre, setWorkerUrl } from "maplibre-gl";
import type { ErrorEvent, MapMouseEvent, VectorTileSource } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { PMTiles, Protocol } from "pmtiles";
import { useEffect, useRef, useState } from "react";

import { fetchMapInfo } from "../api/client.ts";
import type { Station } from "../api/shapes.ts";
import { incidentById } from "../desk/store.ts";
import { change, desk, useDesk } from "../desk/store.ts";
import { focusLine } from "../desk/focus.ts";
import { select } from "../desk/perform.ts";
import { CATALOGUES, useLanguage, useMessages } from "../locale/index.ts";
import { Mark } from "../look/Shapes.tsx";
import { Atlas } from "./atlas.ts";
import { toWgs84 } from "./datum.ts";
import { Ground, signsOver } from "./layer.ts";
import { composeSigns, Motions } from "./signs.ts";
import type { Target } from "./signs.ts";
import { SOURCE, styleOf } from "./style.ts";
import type { Paint } from "./style.ts";

// The worker is a file of its own, so that the content security policy needs no blob: hole.
setWorkerUrl(workerUrl);
const protocol = new Protocol();
addProtocol("pmtiles", protocol.tile);

const CJK = '"Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif';
const MAP_FILE = "/map/city.pmtiles";
const CLICK_PX = 17;
const FOLLOW_ZOOM = 13.6;
/** What comes over the stream, up to a hundred times a second, is drawn together this often. */
const STREAM_DRAW_MS = 500;
const ASK_AGAIN_MS = [1_000, 3_000, 9_000];
const MEND_AFTER_MS = 2_000;
const MEND_LONGEST_MS = 30_000;

type Bounds = [number, number, number, number];

function boundsOf(stations: Iterable<Station>): Bounds | null {
  const places = [...stations].flatMap((station) => {
    const at = toWgs84(station);
    return at ? [at] : [];
  });
  if (!places.length) return null;
  const lons = places.map(([lon]) => lon);
  const lats = places.map(([, lat]) => lat);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

const paintNow = (): Paint =>
  document.documentElement.dataset.theme === "light" ? "light" : "dark";

interface Ready {
  map: MapLibre;
  /** Draw units and incidents as they are now: for what the dispatcher did. */
  draw: () => void;
  /** The same within STREAM_DRAW_MS: for what the stream brought. */
  drawSoon: () => void;
  restyle: () => void;
  close: () => void;
  bounds: Bounds;
}

/** Ask a few times: what fails while a server starts again must not stay missing. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (const wait of ASK_AGAIN_MS) {
    try {
      return await ask();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return ask();
}

/** Say whether a base map is there, and what it covers. */
async function findMap(): Promise<{ url: string | null; bounds: Bounds | null }> {
  try {
    const info = await patiently(fetchMapInfo);
    if (!info.available) return { url: null, bounds: null };
    const url = new URL(MAP_FILE, location.origin).href;
    const [west, south, east, north] = info.bounds ?? [];
    const bounds: Bounds | null =
      west === undefined || south === undefined || east === undefined || north === undefined
        ? null
        : [west, south, east, north];
    return { url, bounds };
  } catch {
    return { url: null, bounds: null };
  }
}

/** The base map's own attribution text. */
async function readCredit(url: string): Promise<string> {
  try {
    const metadata = await patiently(() => new PMTiles(url).getMetadata());
    const { attribution = "" } = metadata as { attribution?: string };
    return new DOMParser().parseFromString(attribution, "text/html").body.textContent;
  } catch {
    return "";
  }
}

/** Ask again for tiles that did not come: neither the map nor the file's reader does by itself. */
function mendHoles(map: MapLibre, url: string): void {
  let wait = MEND_AFTER_MS;
  let mending = false;
  map.on("error", ({ error, sourceId }: ErrorEvent & { sourceId?: string }) => {
    // eslint-disable-next-line no-console -- as the map does itself where nobody listens
    if (sourceId !== SOURCE) console.error(error);
    if (sourceId !== SOURCE || mending) return;
    mending = true;
    setTimeout(() => {
      mending = false;
      protocol.add(new PMTiles(url)); // the old one remembers what failed
      map.getSource<VectorTileSource>(SOURCE)?.setUrl(`pmtiles://${url}`);
    }, wait);
    wait = Math.min(MEND_LONGEST_MS, wait * 2);
  });
  map.on("idle", () => {
    if (!mending) wait = MEND_AFTER_MS;
  });
}

function open(container: HTMLElement, url: string | null, bounds: Bounds): Ready {
  const map = new MapLibre({
    container,
    style: styleOf(paintNow(), desk().language, url),
    bounds,
    fitBoundsOptions: { padding: 36 },
    minZoom: 8,
    maxZoom: 18,
    attributionControl: false,
    localIdeographFontFamily: CJK,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 120,
    keyboard: false,
  });
  map.touchZoomRotate.disableRotation();
  if (url !== null) mendHoles(map, url);
  const ground = new Ground([(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]);
  const signs = signsOver(map, ground);
  const motions = new Motions();
  let atlas = new Atlas(paintNow(), devicePixelRatio);
  let targets: Target[] = [];
  let loaded = false;
  let queued = false;
  let later: ReturnType<typeof setTimeout> | null = null;
  let gone = false;
  let drawnAt = -STREAM_DRAW_MS;

  const drawNow = (): void => {
    queued = false;
    drawnAt = performance.now();
    const { live, language, selected, shownUnit, picked } = desk();
    if (gone || !loaded || !live) return;
    const scene = {
      live, language, selected, shownUnit, picked, zoom: map.getZoom(),
      project: (at: [number, number]) => map.project(at),
    };
    const composed = composeSigns(scene, ground, atlas, motions, signs.nowS());
    targets = composed.targets;
    signs.show(composed.marks, atlas);
  };
  const draw = (): void => {
    if (queued) return;
    queued = true;
    requestAnimationFrame(drawNow);
  };
  const drawSoon = (): void => {
    later ??= setTimeout(() => {
      later = null;
      draw();
    }, Math.max(0, drawnAt + STREAM_DRAW_MS - performance.now()));
  };
  const restyle = (): void => {
    const paint = paintNow();
    map.getCanvas().setAttribute("aria-label", CATALOGUES[desk().language].map.canvas);
    atlas = new Atlas(paint, devicePixelRatio);
    for (const next of styleOf(paint, desk().language, url).layers) {
      if (!map.getLayer(next.id)) continue;
      for (const [name, value] of Object.entries(next.paint ?? {})) {
        map.setPaintProperty(next.id, name as never, value as never);
      }
      if (next.type === "symbol") {
        map.setLayoutProperty(next.id, "text-field", next.layout?.["text-field"]);
      }
    }
    draw();
  };
  map.once("style.load", () => {
    loaded = true;
    restyle();
  });
  map.on("moveend", draw);

  map.on("click", (event: MapMouseEvent) => {
    if (desk().panel === "open") {
      change({ picked: { lat: event.lngLat.lat, lon: event.lngLat.lng } });
      return;
    }
    const near = targets
      .map((target) => {
        const { x, y } = map.project(target.at);
        const far = Math.hypot(x + target.dx - event.point.x, y + target.dy - event.point.y);
        // Where both stand close, the incident is what was meant.
        return { target, far: far - (target.what === "incident" ? 5 : 0) };
      })
      .filter(({ far }) => far < CLICK_PX)
      .sort((a, b) => a.far - b.far)[0];
    if (!near) return;
    if (near.target.what === "incident") select(near.target.id);
    else change({ shownUnit: near.target.id });
    focusLine();
  });
  const close = (): void => {
    gone = true;
    if (later !== null) clearTimeout(later);
    signs.remove();
    map.remove();
  };
  return { map, draw, drawSoon, restyle, close, bounds };
}

function goTo(map: MapLibre, at: [number, number]): void {
  const zoom = Math.max(map.getZoom(), FOLLOW_ZOOM);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) map.jumpTo({ center: at, zoom });
  else map.easeTo({ center: at, zoom, duration: 500 });
}

export default function MapPane() {
  const words = useMessages();
  const language = useLanguage();
  const container = useRef<HTMLDivElement>(null);
  const ready = useRef<Ready | null>(null);
  const [told, setTold] = useState<"" | "absent" | "failed">("");
  const [credit, setCredit] = useState("");
  const [opened, setOpened] = useState(false);
  const hasLive = useDesk((state) => state.live !== null);
  const live = useDesk((state) => state.live);
  const selected = useDesk((state) => state.selected);
  const shownUnit = useDesk((state) => state.shownUnit);
  const picking = useDesk((state) => state.panel === "open");
  const placed = useDesk((state) => state.picked !== null || state.draft.site?.place != null);
  const picked = useDesk((state) => state.picked);
  const theme = useDesk((state) => state.theme);

  useEffect(() => {
    if (!hasLive) return undefined;
    let gone = false;
    void findMap().then(({ url, bounds }) => {
      if (gone || !container.current) return;
      if (url === null) setTold("absent");
      else void readCredit(url).then((text) => gone || setCredit(text));
      const area = boundsOf(desk().live?.stations.values() ?? []) ?? bounds ?? [-180, -60, 180, 70];
      try {
        ready.current = open(container.current, url, area);
        setOpened(true);
      } catch {
        setTold("failed");
      }
    });
    return () => {
      gone = true;
      ready.current?.close();
      ready.current = null;
    };
  }, [hasLive]);

  useEffect(() => {
    ready.current?.drawSoon();
  }, [live]);
  useEffect(() => {
    ready.current?.draw();
  }, [selected, shownUnit, picked, opened]);
  useEffect(() => {
    // The theme's attribute is set by the desk in the same round; its colours are read after it.
    const frame = requestAnimationFrame(() => ready.current?.restyle());
    return () => cancelAnimationFrame(frame);
  }, [language, theme, opened]);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const repaint = (): void => void requestAnimationFrame(() => ready.current?.restyle());
    dark.addEventListener("change", repaint);
    return () => dark.removeEventListener("change", repaint);
  }, []);

  // A fresh incident is selected a moment before its row arrives; then its place is gone to.
  const place = useDesk((state) =>
    state.selected === null ? null : (state.live?.incidents.get(state.selected)?.place ?? null),
  );
  const spot = place && `${place.lat} ${place.lon} ${place.datum}`;
  useEffect(() => {
    const found = incidentById(selected)?.place;
    const at = found && toWgs84(found);
    if (at && ready.current) goTo(ready.current.map, at);
  }, [selected, spot, opened]);
  useEffect(() => {
    const position = shownUnit && desk().live?.units.get(shownUnit)?.position;
    const at = position && toWgs84(position);
    if (at && ready.current) goTo(ready.current.map, at);
  }, [shownUnit]);

  const zoom = (by: number): void => void ready.current?.map.zoomTo(ready.current.map.getZoom() + by);
  return (
    <>
      <div className={picking ? "map picking" : "map"} ref={container} />
      {told && <p className="map-word" data-over>{told === "absent" ? words.map.absent : words.map.failed}</p>}
      {picking && !placed && <p className="map-word map-pick" data-over>{words.map.pick}</p>}
      {opened && (
        <div className="map-buttons" data-over>
          <button type="button" aria-label={words.map.zoomIn} onClick={() => zoom(1)}>
            <Mark of="plus" />
          </button>
          <button type="button" aria-label={words.map.zoomOut} onClick={() => zoom(-1)}>
            <Mark of="minus" />
          </button>
          <button
            type="button"
            aria-label={words.map.fit}
            title={words.map.fit}
            onClick={() => ready.current?.map.fitBounds(ready.current.bounds, { padding: 36 })}
          >
            <Mark of="fit" />
          </button>
        </div>
      )}
      {credit && <p className="map-credit" data-over>{credit}</p>}
    </>
  );
}
