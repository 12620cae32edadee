/**
 * Draws line charts as SVG, several side by side with the same axes, both logarithmic. Colour-blind readers can tell the
 * colours apart, which change with the reader's choice of light or dark.
 */

export interface Line {
  readonly name: string;
  /** Drawn without its points' values; undefined where there is none. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

export interface Chart {
  readonly title: string;
  /** The labels of the axes, and the text for a reader who cannot see the chart. */
  readonly xLabel: string;
  readonly yLabel: string;
  readonly description: string;
  readonly panels: readonly Panel[];
  readonly xTick: (value: number) => string;
  readonly yTick: (value: number) => string;
}

const panelSize = { width: 400, height: 250 };
const margin = { top: 34, right: 22, bottom: 34, left: 62 };
const titleHeight = 34;
const legendLine = 20;
const columns = 2;

/** Okabe and Ito's palette, https://jfly.uni-koeln.de/color/, with black as the reader's text colour. */
const colours = ["#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#999999", "var(--text)"];
const dashes = ["", "6 3", "2 3"];

interface Scale {
  (value: number): number;
  readonly ticks: readonly number[];
}

export function plot(chart: Chart): string {
  const names = [...new Set(chart.panels.flatMap(({ lines }) => lines.map(({ name }) => name)))];
  const points = chart.panels.flatMap(({ lines }) => lines.flatMap((line) => line.points));
  if (points.length === 0) throw new Error(`nothing to plot in ${chart.title}`);
  const x = scale(
    points.map(([value]) => value),
    [margin.left, panelSize.width - margin.right],
  );
  const y = scale(
    points.map(([, value]) => value),
    [panelSize.height - margin.bottom, margin.top],
  );
  const rows = Math.ceil(chart.panels.length / columns);
  const legendRows = Math.ceil(names.length / 3);
  const width = panelSize.width * columns;
  const panelsEnd = titleHeight + rows * panelSize.height;
  const height = panelsEnd + legendRows * legendLine + 16;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escaped(chart.title)}</title>`,
    `<desc id="description">${escaped(chart.description)}</desc>`,
    style,
    `<rect class="page" width="${width}" height="${height}"/>`,
    `<text class="heading" x="${margin.left}" y="24">${escaped(chart.title)}</text>`,
    ...chart.panels.map((panel, index) => {
      const [left, top] = [
        (index % columns) * panelSize.width,
        Math.floor(index / columns) * panelSize.height,
      ];
      return `<g transform="translate(${left} ${titleHeight + top})">\n${panelOf(chart, panel, names, x, y)}\n</g>`;
    }),
    ...names.map((name, index) => {
      const [left, top] = [
        margin.left + (index % 3) * 245,
        panelsEnd + Math.floor(index / 3) * legendLine + 10,
      ];
      const line = `<line x1="${left}" x2="${left + 28}" y1="${top}" y2="${top}" ${stroke(index)}/>`;
      return `${line}<text x="${left + 36}" y="${top + 4}">${escaped(name)}</text>`;
    }),
    "</svg>",
    "",
  ].join("\n");
}

const style = `<style>
  svg { --page: #ffffff; --text: #24292f; --grid: #d8dee4; }
  @media (prefers-color-scheme: dark) { svg { --page: #0d1117; --text: #e6edf3; --grid: #30363d; } }
  .page { fill: var(--page); }
  text { fill: var(--text); font: 12px system-ui, sans-serif; }
  .heading { font-size: 15px; font-weight: 600; }
  .panel { font-weight: 600; }
  .grid { stroke: var(--grid); stroke-width: 1; }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
</style>`;

function panelOf(chart: Chart, panel: Panel, names: readonly string[], x: Scale, y: Scale): string {
  const [left, right] = [margin.left, panelSize.width - margin.right];
  const [top, bottom] = [margin.top, panelSize.height - margin.bottom];
  return [
    `<text class="panel" x="${left}" y="${top - 12}">${escaped(panel.title)}</text>`,
    ...y.ticks.map((value) => {
      const at = place(y(value));
      const label = `<text text-anchor="end" x="${left - 6}" y="${at + 4}">${escaped(chart.yTick(value))}</text>`;
      return `<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>${label}`;
    }),
    ...x.ticks.map((value) => {
      const at = place(x(value));
      const label = `<text text-anchor="middle" x="${at}" y="${bottom + 16}">${escaped(chart.xTick(value))}</text>`;
      return `<line class="grid" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>${label}`;
    }),
    `<text text-anchor="end" x="${right}" y="${bottom + 30}">${escaped(chart.xLabel)}</text>`,
    `<text text-anchor="middle" transform="translate(12 ${(top + bottom) / 2}) rotate(-90)">${escaped(chart.yLabel)}</text>`,
    ...panel.lines.map(({ name, points }) => {
      const index = names.indexOf(name);
      const path = points.map(([a, b]) => `${place(x(a))},${place(y(b))}`);
      const dots = points.map(
        ([a, b]) =>
          `<circle cx="${place(x(a))}" cy="${place(y(b))}" r="2.5" fill="${colours[index % colours.length]}"/>`,
      );
      return `<polyline class="line" ${stroke(index)} points="${path.join(" ")}"/>${dots.join("")}`;
    }),
  ].join("\n");
}

function stroke(index: number): string {
  const dash = dashes[Math.floor(index / colours.length) % dashes.length] ?? "";
  const dashed = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
  return `stroke="${colours[index % colours.length]}" stroke-width="2"${dashed}`;
}

/** Makes a logarithmic scale that begins and ends at whole decades. */
function scale(values: readonly number[], [from, to]: readonly [number, number]): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  const toPlace = (value: number): number => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  return Object.assign(toPlace, { ticks });
}

function place(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
