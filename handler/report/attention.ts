import { type Effect, ERRORS, type ErrorCode } from "../../lib/errors.ts";
import type { Answer, SecretResult } from "../../lib/ports.ts";
import { type Html, html } from "./html.ts";
import { count, STATUSES, statusWords } from "./words.ts";

/** How many of one kind are shown at once. */
const SHOWN = 5;

const EFFECTS: Record<Effect, Html> = {
  none: html`Nothing was changed by it.`,
  applied: html`What was done before it failed is in force. First see which password opens Redis: <code>redis-rotation verify</code>`,
  unknown: html`A change may have been carried out. First see which password opens Redis: <code>redis-rotation verify</code>`,
};

/** What may have left Redis and the secret apart comes first. */
const EFFECT_ORDER: readonly Effect[] = ["applied", "unknown", "none"];

type Flawed = SecretResult & { readonly error: NonNullable<SecretResult["error"]> };

/** What did not end well, and what to do about it: one entry for each kind, the worst first. */
export function attention({ results }: Answer): Html | undefined {
  const flawed = results
    .map((result, index) => ({ result, index }))
    .filter((row): row is Row => row.result.error !== undefined);
  if (flawed.length === 0) return undefined;
  const kinds = new Map<string, Row[]>();
  for (const row of flawed) {
    const { status, error } = row.result;
    const kind = [STATUSES.indexOf(status), EFFECT_ORDER.indexOf(error.effect), error.code].join();
    const rows = kinds.get(kind) ?? [];
    kinds.set(kind, rows);
    rows.push(row);
  }
  const sorted = [...kinds].sort(([a], [b]) => a.localeCompare(b, "en"));
  return html`<section class="attention" aria-labelledby="attention">
<h2 id="attention">What needs attention</h2>
${sorted.map(([, rows]) => entry(rows))}
</section>`;
}

interface Row {
  readonly result: Flawed;
  /** In the table. */
  readonly index: number;
}

function entry(rows: readonly Row[]): Html {
  const [first] = rows;
  if (first === undefined) return html``;
  const { status, error } = first.result;
  const shown = rows.slice(0, SHOWN);
  const rest = rows.slice(SHOWN);
  return html`<article class="${status}">
<h3><span class="status ${status}">${statusWords(status)}</span> <code>${error.code}</code>${rows.length > 1 && html` <span class="many">${count(rows.length)} secrets</span>`}</h3>
<ul>${shown.map(line)}</ul>
${rest.length > 0 && html`<details><summary>${count(rest.length)} more</summary><ul>${rest.map(line)}</ul></details>`}
<p class="next"><strong>What to do</strong> ${ERRORS[error.code].next}</p>
<p class="effect">${EFFECTS[error.effect]}</p>
</article>`;
}

function line({ result, index }: Row): Html {
  const { secretId, error } = result;
  return html`<li><a href="#row-${index}"><bdi>${secretId}</bdi></a> <span>${withoutAdvice(error.code, error.message)}${
    error.requestId && html` <small>request <code>${error.requestId}</code></small>`
  }</span></li>`;
}

/** A result's message ends with what to do, which is said once for all of a kind. */
function withoutAdvice(code: ErrorCode, message: string): string {
  const { next } = ERRORS[code];
  return message.endsWith(next) ? message.slice(0, -next.length).trimEnd() : message;
}
