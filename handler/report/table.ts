import type { Answer } from "../../lib/ports.ts";
import { type Html, html } from "./html.ts";
import type { PageSecret } from "./report.ts";
import { count, duration, statusWords } from "./words.ts";

/** What every secret's row tells. The page's script draws the timelines into it, and makes it sortable. */
export function table({ results }: Answer, secrets: readonly PageSecret[]): Html | undefined {
  if (secrets.length === 0) return undefined;
  const hasTimelines = secrets.some(({ timeline }) => timeline !== undefined);
  // Of one alone the script shows all at once.
  const hasTracks = hasTimelines && secrets.length > 1;
  const hasDue = results.some(({ dueAt }) => dueAt !== undefined);
  const row = (secret: PageSecret, index: number): Html => {
    const { secretId, instanceId, region, status, dueAt, durationMs } = secret;
    return html`<tr id="row-${index}">
<th scope="row"><span class="name"><bdi>${secretId}</bdi></span><span class="where">${[instanceId, region].filter(Boolean).join(" · ")}</span></th>
<td><span class="status ${status}">${statusWords(status)}</span></td>
${hasTracks && html`<td class="track"></td>`}
${hasTimelines && html`<td class="figure">${exposureOf(secret)}</td>`}
${hasDue && html`<td>${dueAt && html`<time datetime="${dueAt}">${dueAt.slice(0, 16).replace("T", " ")}</time>`}</td>`}
<td class="figure">${duration(durationMs)}</td>
</tr>
`;
  };
  return html`<section class="secrets" aria-labelledby="secrets">
<h2 id="secrets">${secrets.length === 1 ? "The secret" : `${count(secrets.length)} secrets`}</h2>
<div id="tools"></div>
<p id="unscripted">Without its script, this page shows no timelines. All results are in the table.</p>
<div id="overview"></div>
<table>
<thead><tr>
<th scope="col" data-key="secret">Secret</th>
<th scope="col" data-key="status">Status</th>
${hasTracks && html`<th scope="col" class="axis" data-key="begun">Timeline</th>`}
${hasTimelines && html`<th scope="col" class="figure" data-key="exposure">Exposure</th>`}
${hasDue && html`<th scope="col" data-key="due">Due (UTC)</th>`}
<th scope="col" class="figure" data-key="took">Took</th>
</tr></thead>
<tbody>
${secrets.map(row)}</tbody>
</table>
${hasTimelines && reading()}
</section>`;
}

function exposureOf({ status, exposureMs, timeline }: PageSecret): Html | string {
  if (exposureMs === 0) return "none";
  if (exposureMs !== undefined) return `≤ ${duration(exposureMs)}`;
  const open = (words: string) => html`<span class="open">${words}</span>`;
  if (timeline?.exposure) return timeline.exposure.toMs === undefined ? open("may be open") : "not seen";
  const isOnTheWay = timeline?.tasks.some(({ state }) => state === "running");
  return isOnTheWay && status !== "rotated" ? open("may open") : "–";
}

function reading(): Html {
  return html`<details class="reading"><summary>How to read the timelines</summary>
<dl>
<div><dt><i class="key setSecret"></i>Step</dt><dd>The upper bar: the four steps, one after the other. setSecret lasts until Redis takes the new password; red is a step that failed.</dd></div>
<div><dt><i class="key task"></i>Task</dt><dd>The thin line: the password task of TencentDB, until a look saw its end. It may end after Redis has taken the password.</dd></div>
<div><dt><i class="key exposure maybe"></i>Exposure, possible</dt><dd>From the last look at which Redis did not take the new password yet, to the first at which it did. It began somewhere in between.</dd></div>
<div><dt><i class="key exposure"></i>Exposure</dt><dd>Redis took the new password, and the secret did not name it yet: clients that read the secret then got one that no longer opens Redis.</dd></div>
</dl>
<p>A timeline that ends with “…” goes on: its row, opened, shows all of it.</p>
<p>The exposure is an upper bound: both bars together, until the secret manager had answered that the new password is current. “none”: alternating users, whose old password stays good. “not seen”: Redis had the new password before this run first looked. “may open”: the run ended before the task did. “may be open”: it ended before it had made the new password current. Of alternating users, that does no harm.</p>
</details>`;
}
