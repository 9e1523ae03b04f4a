// How a sentence names an incident and the values in it; given by the screen, so that sentences
// need no catalogue of their own.

import type {
  Disposition, Incident, IncidentState, IncidentType, OutOfServiceReason, UnitState,
} from "../api/shapes.ts";

export interface ActNames {
  type: (type: IncidentType) => string;
  unitState: (state: UnitState) => string;
  outReason: (reason: OutOfServiceReason) => string;
  incidentState: (state: IncidentState) => string;
  disposition: (disposition: Disposition) => string;
  address: (incident: Incident) => string;
}

export function named(incident: Incident, names: ActNames): string {
  const words = [`#${incident.number}`, names.type(incident.type), names.address(incident)];
  return words.filter(Boolean).join(" ");
}
