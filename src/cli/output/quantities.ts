/** Numbers and durations as people read them, in the same form in every command. */

/** `231083` → `231,083`. */
export function quantity(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** Documents per second, `1,234/s`; one decimal below ten. */
export function rate(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : quantity(perSecond)}/s`;
}

/** `4s`, `3m 20s`, `2h 05m`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, "0")}s`;
  return `${Math.floor(whole / 3600)}h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")}m`;
}
