/** The option that says for how long code of the app may keep the event loop. */
import { InvalidArgumentError, Option } from "commander";

export function maxStallOption(): Option {
  return new Option("--max-stall <seconds>", "how long a function may keep everybody else waiting")
    .argParser(parseSeconds)
    .default(10);
}

/** @throws InvalidArgumentError */
function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 1 && seconds <= 86_400)) throw new InvalidArgumentError("It is 1 to 86400 seconds.");
  return seconds;
}
