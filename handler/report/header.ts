import type { Status } from "../../lib/ports.ts";
import { type Html, html } from "./html.ts";
import type { Report } from "./report.ts";
import { count, countOf, duration, headlineOf, moment, STATUSES, statusWords, titleOf } from "./words.ts";

/** What was asked for, when, and what came of it. */
export function header({ answer, startedAt, endedAt }: Report): Html {
  const { results, forecast } = answer;
  const counts = STATUSES.map((status) => [status, countOf(results, status)] as const).filter(
    ([, found]) => found > 0,
  );
  return html`<header>
<div class="above">
<p class="product">redis-rotation <span>${answer.action}</span></p>
<fieldset class="scheme" hidden><legend>Colours</legend>
${["auto", "light", "dark"].map(
  (scheme) =>
    html`<label><input type="radio" name="scheme" value="${scheme}"${scheme === "auto" && html` checked`}><span>${scheme}</span></label>`,
)}
</fieldset>
</div>
<h1 class="${mood(counts.map(([status]) => status))}">${headlineOf(answer)}</h1>
<p class="when">${titleOf(answer)} of <time datetime="${new Date(startedAt).toISOString()}">${moment(startedAt)}</time>, took ${duration(endedAt - startedAt)}${
    forecast &&
    html`. Forecast: ${count(forecast.rotations)} to rotate, ${count(forecast.perMinute)} a minute, about ${duration(forecast.durationMs)}`
  }</p>
${results.length === 0 && html`<p>See ROTATION_TAG and ROTATION_PREFIX.</p>`}
${results.length > 1 && html`${proportions(counts)}`}
</header>`;
}

type Counts = readonly (readonly [Status, number])[];

/** How many of each status, as a bar and in words. */
function proportions(counts: Counts): Html {
  const total = counts.reduce((sum, [, found]) => sum + found, 0);
  let left = 0;
  const parts = counts.map(([status, found]) => {
    const part = html`<rect class="${status}" x="${left}" width="${found}" height="1"/>`;
    left += found;
    return part;
  });
  return html`<svg class="proportions" viewBox="0 0 ${total} 1" preserveAspectRatio="none" aria-hidden="true">${parts}</svg>
<ul class="counts">${counts.map(
    ([status, found]) =>
      html`<li><span class="status ${status}">${statusWords(status)}</span> ${count(found)}</li>`,
  )}</ul>`;
}

function mood(statuses: readonly Status[]): string {
  if (statuses.includes("failed") || statuses.includes("drift")) return "bad";
  return statuses.includes("in-progress") ? "open" : "good";
}
