import { createHash } from "node:crypto";
import type { Answer, SecretResult } from "../../lib/ports.ts";
import { attention } from "./attention.ts";
import { header } from "./header.ts";
import { type Html, html, json } from "./html.ts";
import { parts } from "./parts.ts";
import { table } from "./table.ts";
import { tiles } from "./tiles.ts";
import { type TimedEvent, type Timeline, timelines } from "./timeline.ts";
import { headlineOf, moment, titleOf } from "./words.ts";

export type { TimedEvent } from "./timeline.ts";

/** One run of one action. Times are in milliseconds since the epoch. */
export interface Report {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly answer: Answer;
  readonly events: readonly TimedEvent[];
}

/** What the page's script gets, as JSON. */
export interface PageData {
  readonly startedAt: number;
  /** How long the run took, in milliseconds. */
  readonly spanMs: number;
  /** In the order of the table's rows. */
  readonly secrets: readonly PageSecret[];
}

export interface PageSecret extends SecretResult {
  readonly timeline?: Timeline;
}

/** One page that needs nothing beside itself: it may be attached to a ticket, and opened years later. */
export function renderReport(report: Report): string {
  const { startedAt, endedAt, answer, events } = report;
  const found = timelines(startedAt, answer.results, events);
  const secrets = answer.results.map((result): PageSecret => {
    const timeline = found.get(result.secretId);
    return { ...result, ...(timeline && { timeline }) };
  });
  const data: PageData = { startedAt, spanMs: endedAt - startedAt, secrets };
  const { style, script } = parts();
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${titleOf(answer)}, ${moment(startedAt)}: ${headlineOf(answer)}</title>
<style>${verbatim(style)}</style>
</head>
<body>
${header(report)}
<main>
${attention(answer)}
${tiles(secrets)}
${table(answer, secrets)}
</main>
<footer>
<p>Times are UTC, by the clock of the machine that ran the command. No password is in this page.</p>
</footer>
<script type="application/json" id="data">${json(data)}</script>
<script type="module">${verbatim(script)}</script>
</body>
</html>
`;
  return page.markup;
}

/** The page's own style and script, and nothing else: no request, no form, no markup out of a text. */
function policy(style: string, script: string): string {
  return [
    "default-src 'none'",
    `style-src ${hash(style)}`,
    `script-src ${hash(script)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

function verbatim(markup: string): Html {
  return { markup };
}
