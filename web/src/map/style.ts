// The base map's look in both themes: quiet land, streets that read, labels in one's language.
// Source layers (made by the map builder): land water park building road district place; `road` has
// `class` motorway | primary | secondary | tertiary | residential | lane, and all have names.

import type {
  ExpressionSpecification, LayerSpecification, StyleSpecification,
} from "maplibre-gl";

import type { Language } from "../locale/index.ts";

/** The base map among the style's sources. */
export const SOURCE = "city";

export type Paint = "light" | "dark";

interface Colours {
  ground: string;
  land: string;
  water: string;
  park: string;
  building: string;
  residential: string;
  secondary: string;
  primary: string;
  motorway: string;
  casing: string;
  district: string;
  label: string;
  placeLabel: string;
  waterLabel: string;
  halo: string;
}

const COLOURS: Record<Paint, Colours> = {
  dark: {
    ground: "#10151b", land: "#141a21", water: "#12263a", park: "#15251f", building: "#1a222b",
    residential: "#222c37", secondary: "#2b3744", primary: "#364554", motorway: "#4a4a3c",
    casing: "#0e1318", district: "#52606f", label: "#8c99a6", placeLabel: "#a9b5c1",
    waterLabel: "#6f93b5", halo: "#10151b",
  },
  light: {
    ground: "#e9edf0", land: "#f2f4f5", water: "#c6dcec", park: "#dcebdd", building: "#e3e7ea",
    residential: "#ffffff", secondary: "#ffffff", primary: "#ffffff", motorway: "#f6e3b8",
    casing: "#cbd3da", district: "#8d99a5", label: "#4d5965", placeLabel: "#35414d",
    waterLabel: "#3d6f99", halo: "#ffffff",
  },
};

const FONT = ["Noto Sans CJK SC"];

const byZoom = (...stops: [number, number][]): ExpressionSpecification => [
  "interpolate", ["exponential", 1.5], ["zoom"], ...stops.flat(),
] as unknown as ExpressionSpecification;

const WIDTHS: Record<string, [number, number][]> = {
  lane: [[13, 0.4], [15, 2.2], [18, 9]],
  residential: [[11, 0.2], [13, 0.9], [15, 3.5], [18, 16]],
  tertiary: [[11, 0.4], [13, 1.3], [15, 4.8], [18, 20]],
  secondary: [[10, 0.4], [13, 1.8], [15, 6], [18, 24]],
  primary: [[9, 0.6], [13, 2.8], [15, 8], [18, 32]],
  motorway: [[8, 0.8], [13, 3.6], [15, 10], [18, 38]],
};

const FROM_ZOOM: Record<string, number> = {
  lane: 14, residential: 12.5, tertiary: 11.5, secondary: 10, primary: 8, motorway: 6,
};

const only = (name: string): ExpressionSpecification => ["==", ["get", "class"], name];

function nameIn(language: Language): ExpressionSpecification {
  const [first, second] = language === "en" ? ["name_en", "name_zh"] : ["name_zh", "name_en"];
  return ["coalesce", ["get", first], ["get", second], ""];
}

function roads(colours: Colours): LayerSpecification[] {
  const classes = [
    "lane", "residential", "tertiary", "secondary", "primary", "motorway",
  ] as const;
  const line = (
    name: (typeof classes)[number], id: string, color: string, grow: number,
  ): LayerSpecification => ({
    id: `${id}-${name}`,
    type: "line",
    source: SOURCE,
    "source-layer": "road",
    filter: only(name),
    minzoom: FROM_ZOOM[name] ?? 8,
    layout: { "line-cap": "round", "line-join": "round" },
    paint: {
      "line-color": color,
      "line-width": byZoom(
        ...(WIDTHS[name] ?? []).map(([zoom, width]): [number, number] => [zoom, width + grow]),
      ),
    },
  });
  return [
    ...classes.map((name) => line(name, "casing", colours.casing, 1.4)),
    ...classes.map((name) => {
      const colour = name === "lane" ? "residential" : name === "tertiary" ? "secondary" : name;
      return line(name, "road", colours[colour], 0);
    }),
  ];
}

function labels(colours: Colours, language: Language): LayerSpecification[] {
  const halo = { "text-halo-color": colours.halo, "text-halo-width": 1.4 };
  const name = nameIn(language);
  const street = (
    id: string, classes: string[], minzoom: number, size: number,
  ): LayerSpecification => ({
    id,
    type: "symbol",
    source: SOURCE,
    "source-layer": "road",
    filter: ["in", ["get", "class"], ["literal", classes]],
    minzoom,
    layout: {
      "text-field": name,
      "text-font": FONT,
      "text-size": size,
      "symbol-placement": "line",
      "symbol-spacing": 320,
      "text-padding": 6,
      "text-max-angle": 30,
    },
    paint: { "text-color": colours.label, ...halo },
  });
  const place = (what: string, maxzoom: number): LayerSpecification => ({
    id: `label-${what}`, type: "symbol", source: SOURCE, "source-layer": "place", minzoom: 9, maxzoom,
    filter: only(what),
    layout: {
      "text-field": name, "text-font": FONT, "text-size": 14, "text-letter-spacing": 0.12,
      "text-padding": 12,
    },
    paint: { "text-color": colours.placeLabel, ...halo },
  });
  return [
    street("label-minor", ["residential", "tertiary", "lane"], 14.5, 11),
    street("label-major", ["motorway", "primary", "secondary"], 12, 12),
    {
      id: "label-water", type: "symbol", source: SOURCE, "source-layer": "water", minzoom: 11,
      layout: { "text-field": name, "text-font": FONT, "text-size": 12 },
      paint: { "text-color": colours.waterLabel, ...halo },
    },
    {
      // A park that lies across tiles is named in each: the room around a name keeps the others out.
      id: "label-park", type: "symbol", source: SOURCE, "source-layer": "park", minzoom: 13.5,
      layout: { "text-field": name, "text-font": FONT, "text-size": 11, "text-padding": 90 },
      paint: { "text-color": colours.label, ...halo },
    },
    {
      id: "label-spot", type: "symbol", source: SOURCE, "source-layer": "place", minzoom: 14,
      filter: ["in", ["get", "class"], ["literal", ["hospital", "landmark"]]],
      layout: {
        "text-field": name, "text-font": FONT, "text-size": 11, "text-max-width": 12,
        "text-padding": 6,
      },
      paint: { "text-color": colours.label, ...halo },
    },
    // Stations are drawn with their units, not by the base map.
    place("district", 15.5),
    // Close up the city's own name says nothing, and lies under the stations'.
    place("city", 12.5),
  ];
}

/** `url` is the PMTiles file's address, null where no map is installed. */
export function styleOf(paint: Paint, language: Language, url: string | null): StyleSpecification {
  const colours = COLOURS[paint];
  const ground: LayerSpecification = {
    id: "ground", type: "background", paint: { "background-color": colours.ground },
  };
  if (url === null) return { version: 8, sources: {}, layers: [ground] };
  const fill = (name: string, color: string, minzoom = 0): LayerSpecification => ({
    id: name, type: "fill", source: SOURCE, "source-layer": name, minzoom,
    paint: { "fill-color": color },
  });
  // A layer each: features of one layer come in no order, and fields would cover the woods.
  const landOf = (name: string, color: string): LayerSpecification => ({
    id: `land-${name}`, type: "fill", source: SOURCE, "source-layer": "land", filter: only(name),
    paint: { "fill-color": color },
  });
  return {
    version: 8,
    sources: { [SOURCE]: { type: "vector", url: `pmtiles://${url}` } },
    layers: [
      ground,
      landOf("urban", colours.land),
      landOf("wood", colours.park),
      fill("park", colours.park),
      fill("water", colours.water),
      fill("building", colours.building, 13),
      ...roads(colours),
      {
        id: "district", type: "line", source: SOURCE, "source-layer": "district",
        paint: {
          "line-color": colours.district, "line-width": 1.2, "line-dasharray": [4, 3],
          "line-opacity": 0.8,
        },
      },
      ...labels(colours, language),
    ],
  };
}
