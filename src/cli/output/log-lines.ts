/** Lines of the log of a server, on stderr: texts, or one JSON object each. */
import type { LogSink } from "../../backend/index.js";
import type { Terminal } from "./terminal.js";

export type LogFormat = "text" | "json";

export function logTo({ stderr }: Pick<Terminal, "stderr">, format: LogFormat): LogSink {
  if (format === "text") return (line) => stderr.line(line);
  return (_line, { level, functionPath, componentPath, requestId, message }) => {
    const where = functionPath === "" ? {} : { function: functionPath, component: componentPath, requestId };
    stderr.line(JSON.stringify({ time: new Date().toISOString(), level, ...where, message }));
  };
}

/** The entry of a line that is of no function. */
export function plainEntry(message: string, level: "INFO" | "ERROR" = "INFO"): Parameters<LogSink>[1] {
  return { level, message, args: [message], functionPath: "", componentPath: "", requestId: "" };
}
