// Times as a desk reads them: local wall clock with its zone, and elapsed minutes and seconds.

import type { Messages } from "./index.ts";

const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const SHORT = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const DAY = new Intl.DateTimeFormat("en-GB", { month: "2-digit", day: "2-digit" });
const ZONE = new Intl.DateTimeFormat("en-GB", { timeZoneName: "shortOffset" });

/** `14:03:22`. */
export const clock = (time: string | number): string => CLOCK.format(new Date(time));

/** `14:03`. */
export const shortClock = (time: string | number): string => SHORT.format(new Date(time));

/** `14:03:22`, with month and day before it when that is another day than `now`. */
export function dayClock(time: string, now: number): string {
  const date = new Date(time);
  if (date.toDateString() === new Date(now).toDateString()) return CLOCK.format(date);
  const [day, month] = DAY.format(date).split("/");
  return `${month ?? ""}-${day ?? ""} ${CLOCK.format(date)}`;
}

/** `UTC+8`. */
export function zone(at: number): string {
  const part = ZONE.formatToParts(new Date(at)).find(({ type }) => type === "timeZoneName");
  return (part?.value ?? "UTC").replace("GMT", "UTC");
}

/** `12 min`, `3 h`, `2 d`: for what lasts long and asks nothing of the desk. */
export function coarse(since: string, now: number, messages: Messages): string {
  const minutes = Math.max(0, Math.floor((now - Date.parse(since)) / 60_000));
  const hours = Math.floor(minutes / 60);
  return hours >= 24 ? messages.time.days(Math.floor(hours / 24)) : messages.time.coarse(hours, minutes);
}

/** `40 s`, `12 min`, `3 h`, `2 d`: how long something took, ms. */
export function lasting(ms: number, messages: Messages): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return messages.time.seconds(seconds);
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return messages.time.minutes(String(minutes));
  const hours = Math.round(minutes / 60);
  return hours < 48 ? messages.time.hours(hours) : messages.time.days(Math.round(hours / 24));
}

/** `1:28`, `1:04:09`, `3 d`. Negative spans (clocks disagree) show as `0:00`. */
export function elapsed(since: string, now: number, messages: Messages): string {
  const total = Math.max(0, Math.floor((now - Date.parse(since)) / 1_000));
  const days = Math.floor(total / 86_400);
  if (days > 0) return messages.time.days(days);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(total / 3_600);
  const minutes = Math.floor(total / 60) % 60;
  const tail = two(total % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}
