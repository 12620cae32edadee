/** `npm run bench:scale`: servers on one Postgres, as many as are asked for. */
import { cpus } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { benchScale, scaleTable, workloadNames } from "./bench.js";

interface Options {
  readonly servers: number[];
  readonly roundTrips: number[];
  readonly seconds: number;
  readonly workloads: number[];
  readonly quick?: true;
  readonly json?: true;
}

function numbersFrom(text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.some((number) => !(number >= 0))) {
    throw new InvalidArgumentError("Numbers, separated by commas.");
  }
  return numbers;
}

const options = new Command("bench:scale")
  .description(workloadNames.map((name, index) => `(${index + 1}) ${name}`).join("\n"))
  .option("--servers <numbers>", "how many servers, one after the other", numbersFrom, [1, 2, 4, 8])
  .option(
    "--round-trips <ms>",
    "how far Postgres is away, in milliseconds there and back",
    numbersFrom,
    [0, 1],
  )
  .option("--workloads <numbers>", "which of those above", numbersFrom, [1, 2, 3, 4, 5, 6])
  .option("--seconds <number>", "how long each is measured", Number, 5)
  .option("--quick", "half a second each and few callers: to see that it works, not to quote")
  .option("--json", "print rows as JSON")
  .parse()
  .opts<Options>();

const isQuick = options.quick === true;
const rows = await benchScale(
  {
    servers: options.servers,
    roundTripsMs: options.roundTrips,
    callersEach: isQuick ? 4 : 16,
    cardsEach: 8,
    liveQueries: isQuick ? 50 : 1000,
    turnMs: isQuick ? 500 : options.seconds * 1000,
  },
  options.workloads.flatMap((number) => workloadNames[number - 1] ?? []),
  (line) => console.error(line),
);
if (options.json === true) console.log(JSON.stringify({ cores: cpus().length, node: process.version, rows }));
else console.log(`${cpus().length} cores, Node ${process.version}\n\n${scaleTable(rows)}`);
