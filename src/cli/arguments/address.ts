/** Ports and URLs, as options name them. */
import { InvalidArgumentError } from "commander";

const maxPort = 65_535;

/** @throws InvalidArgumentError */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > maxPort) {
    throw new InvalidArgumentError(`A port is a number from 0 to ${maxPort}.`);
  }
  return port;
}

/** The port that the app's HTTP actions have where none is named: the next one, or a free one beside a free one. */
export function portBeside(port: number): number {
  return port === 0 || port === maxPort ? 0 : port + 1;
}

/** An http or https URL, without the slash at its end. @throws InvalidArgumentError */
export function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") {
    throw new InvalidArgumentError("A URL begins with http:// or https://, and has no query.");
  }
  return text.replace(/\/+$/, "");
}
