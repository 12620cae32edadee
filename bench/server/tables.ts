/** The tables of the servers: rates with latencies, and what they come to beside the server written by hand. */
import { rateCell, rateTitle, round, table, type Row } from "../harness/report.js";

/** A line for each operation, a column for each server. */
export function serverRates(rows: readonly Row[]): string {
  const peers = [...new Set(rows.map(({ peer }) => peer))];
  return table(
    [rateTitle, ...peers],
    [...byOperation(rows)].map(([operation, group]) => [
      operation,
      ...peers.map((peer) => {
        const row = group.find((each) => each.peer === peer);
        return row === undefined ? "" : rateCell(row);
      }),
    ]),
  );
}

const ours = "trueup, durable";
const floor = "bare Node + SQLite";

/** Ours beside the others: rates, p99 over p50, processor time, and the longest stop of the event loop. */
export function serverRatios(rows: readonly Row[]): string {
  const others = [floor, "bare, grouped", "bare Node + Redis", "trueup, relaxed", "trueup, memory"].filter(
    (peer) => rows.some((row) => row.peer === peer),
  );
  return table(
    [
      "ours, durable",
      ...others.map((peer) => `rate : ${peer.replace("trueup", "ours")}`),
      "p99 : its p50",
      "CPU µs, ours; bare",
      "longest stop ms, ours; bare",
    ],
    [...byOperation(rows)].map(([operation, group]) => {
      const find = (peer: string): Row | undefined => group.find((each) => each.peer === peer);
      const [our, bare] = [find(ours), find(floor)];
      const pair = (of: (row: Row) => number | undefined): string =>
        [our, bare]
          .map((row) => (row === undefined ? undefined : of(row)))
          .map((value) => (value === undefined ? "–" : round(value)))
          .join("; ");
      return [
        operation,
        ...others.map((peer) => {
          const other = find(peer);
          return our === undefined || other === undefined ? "" : round(our.perSecond / other.perSecond);
        }),
        our === undefined ? "" : round(our.p99Us / our.p50Us),
        pair(({ cpuUs }) => cpuUs),
        pair(({ longestStopMs }) => longestStopMs),
      ];
    }),
  );
}

function byOperation(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(row.operation, [...(groups.get(row.operation) ?? []), row]);
  return groups;
}
