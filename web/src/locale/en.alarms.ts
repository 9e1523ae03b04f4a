// English words for what an alarm is worth: validation level, confirmation, cancel, lateness, and
// what vouches for it.

import type { AlarmWords } from "./zh.alarms.ts";

export const alarms: AlarmWords = {
  title: "What is known of the alarm",
  assurances: {
    none: "Not authenticated", integrity: "Unaltered, not authenticated", authenticated: "Authenticated",
  },
  assuranceMeans: {
    none: "nothing shows who sent it",
    integrity: "unchanged on its way; who sent it is not shown",
    authenticated: "the sender holds a secret of this device",
  },
  assuranceOf: (word) => `${word} (the weakest of its alarms)`,
  avs: (level) => `AVS ${level}`,
  avsLevels: {
    0: "no call for service", 1: "little information", 2: "somebody is there, or very probably",
    3: "threat to property confirmed", 4: "threat to life confirmed",
  },
  avsWhys: {
    alarm: "an alarm and no more", late: "late alarms only", two_zones: "two zones alarmed",
    two_technologies: "two kinds of detector alarmed", verified: "verified before it was sent",
    life: "somebody called for help", merged: "from an incident merged into it",
    cancelled: "a user cancelled in time", by_hand: "set by hand",
  },
  avsBy: (name) => `by ${name}`,
  avsEvidence: (level) => `the evidence alone says ${level}`,
  avsSignals: (zones) => `on ${zones}`,
  avsOffered: "A user took it back: level 0 is yours to give (v 0 ;reason).",
  zones: (zones) => `${zones.length === 1 ? "zone" : "zones"} ${zones.join(", ")}`,
  signals: (n) => `${n} ${n === 1 ? "signal" : "signals"}`,
  rules: {
    none: "a second trip", two_zones: "a second zone", two_technologies: "a second kind of detector",
    verified: "verification",
  },
  waiting: (time) => `Unconfirmed until ${time}`,
  waitingFor: (rule) => `${rule} confirms it; it does not dispatch by itself`,
  waitingTrip: (time) => `a second trip before ${time} raises it`,
  expired: "Unconfirmed, time is over",
  expiredMeans: "nothing confirmed it; it stays in the watch band",
  confirmed: "Confirmed",
  raised: {
    two_zones: "a second zone alarmed", two_technologies: "a second kind of detector alarmed",
    verified: "verified before it was sent", second_trip: "it tripped again",
    by_hand: "by a person", timely: "a timely alarm joined",
  },
  cancelHows: { cancel: "Cancelled by user", disarm: "Disarmed by user" },
  cancelAt: (how, time) => `${how} at ${time}`,
  outcomes: {
    closed: "that closed it", not_in_force: "still open: the site has no abort window",
    not_authenticated: "still open: nothing vouches for who said it",
    late: "still open: it was late, or the clock is wrong",
    outside_window: "still open: outside the abort window",
    other_device: "still open: from another device",
    other_partition: "still open: from another partition",
    units_sent: "still open: units have been sent", taken: "still open: somebody has taken it",
    other_alarm: "still open: something else speaks for it",
    more_alarmed: "still open: more than one sensor alarmed",
    reopened: "it closed it, and a person reopened it",
  },
  overtaken: "something alarmed after it",
  late: "Late",
  lateMeans: "all its alarms occurred long before they were heard; only a person sends units",
  lateBy: (span) => `${span} before it was heard`,
  openZones: (zones, more) => `Zones not restored: ${zones.join(", ")}${more ? " and more" : ""}`,
  chips: {
    cancelled: "cancelled", waiting: (time) => `unconf. ${time}`, expired: "unconfirmed", late: "late",
  },
};
