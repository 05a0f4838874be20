import type { Step } from "../../lib/ports.ts";
import { type Html, html } from "./html.ts";
import type { PageSecret } from "./report.ts";
import { duration } from "./words.ts";

const STEPS: readonly Step[] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

const MEANINGS: Record<Step, string> = {
  createSecret: "draws the password, stores it as pending",
  setSecret: "sends it to Redis, until Redis takes it",
  testSecret: "proves it by AUTH",
  finishSecret: "makes it the current one",
};

/** How long each step took and how long clients were exposed: figures, and the key to the colours at once. */
export function tiles(secrets: readonly PageSecret[]): Html | undefined {
  const timelines = secrets.flatMap(({ timeline }) => timeline ?? []);
  if (timelines.length === 0) return undefined;
  const steps = timelines.flatMap((timeline) => timeline.steps);
  return html`<dl class="tiles">
${STEPS.map((step) => {
  const took = steps
    .filter((bar) => bar.step === step && !bar.failed)
    .map(({ fromMs, toMs }) => toMs - fromMs);
  return tile(step, step, MEANINGS[step], took);
})}
${exposureTile(secrets)}
</dl>`;
}

function exposureTile(secrets: readonly PageSecret[]): Html {
  const took = secrets.flatMap(({ exposureMs }) => exposureMs ?? []);
  const open = secrets.filter(({ timeline }) => timeline?.exposure && timeline.exposure.toMs === undefined);
  const meaning = "Redis had the new password, the secret still named the old one";
  return tile("exposure", "exposure window", meaning, took, "≤ ", open.length);
}

function tile(
  kind: string,
  name: string,
  meaning: string,
  took: readonly number[],
  bound = "",
  open = 0,
): Html {
  const sorted = took.toSorted((a, b) => a - b);
  const median = sorted[Math.ceil(sorted.length / 2) - 1];
  const longest = sorted.at(-1);
  return html`<div class="tile ${kind}">
<dt>${name}<small>${meaning}</small></dt>
<dd><strong>${median === undefined || longest === undefined ? "–" : `${bound}${duration(kind === "exposure" ? longest : median)}`}</strong>
${figures(kind, sorted.length, median, longest, bound)}${open > 0 && html`<span class="open">${open} may still be open</span>`}</dd>
</div>`;
}

function figures(kind: string, size: number, median = 0, longest = 0, bound = ""): Html | undefined {
  if (size < 2) return undefined;
  return kind === "exposure"
    ? html`<span>longest; median ${bound}${duration(median)}</span>`
    : html`<span>median; longest ${duration(longest)}</span>`;
}
