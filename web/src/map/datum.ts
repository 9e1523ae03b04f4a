// The map is in WGS-84; a place in another datum is hundreds of metres off unless it is converted.

import gcoord from "gcoord";

/** Longitude and latitude in WGS-84, degrees; null for a datum we do not know. */
export function toWgs84(place: {
  lon: number;
  lat: number;
  datum?: string;
}): [number, number] | null {
  const point: [number, number] = [place.lon, place.lat];
  switch (place.datum ?? "WGS-84") {
    case "WGS-84":
    case "CGCS2000": // equal to WGS-84 within decimetres
      return point;
    case "GCJ-02":
      return gcoord.transform(point, gcoord.GCJ02, gcoord.WGS84);
    case "BD-09":
      return gcoord.transform(point, gcoord.BD09, gcoord.WGS84);
    default:
      return null;
  }
}
