/** Numbers, sizes and times in the form in which every command prints them. */

/** A count with separators: `231,083`. */
export function quantity(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** A rate per second with one decimal below ten: `3.4/s`, `1,234/s`. */
export function rate(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : quantity(perSecond)}/s`;
}

/** A duration of seconds in its two largest units: `4s`, `3m 20s`, `2h 05m`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, "0")}s`;
  return `${Math.floor(whole / 3600)}h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")}m`;
}

/** A number with separators and at most three decimals, or with an exponent when it is very large or very small. */
export function number(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  if (size >= 1e15 || (size > 0 && size < 1e-3)) return value.toExponential(3);
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

/** A size in powers of 1024, with one decimal below ten: `312 B`, `4.1 KB`, `23 MB`. */
export function bytes(count: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let amount = Math.max(0, count);
  let unit = 0;
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit > 0 && amount < 9.95 ? amount.toFixed(1) : quantity(amount)} ${units[unit] ?? ""}`;
}

/** An age in milliseconds, in its largest unit: `now`, `5m ago`, `3h ago`, `12d ago`. */
export function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes}m ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ago` : `${Math.floor(hours / 24)}d ago`;
}
