/** Rotates a fleet of real redis-servers in a local cloud, and takes pictures of the report: `npm run pictures`. */
import { writeFile } from "node:fs/promises";
import { compose } from "../handler/compose.ts";
import { invoke } from "../handler/invoke.ts";
import { type Report, renderReport, type TimedEvent } from "../handler/report/report.ts";
import { launchChromium } from "../test/browser/chromium.ts";
import { type LocalCloud, startCloud } from "../test/cloud/cloud.ts";
import { DEMO_FLEET, taskDurationMs } from "./demo-fleet.ts";
import { QUIET } from "./function.ts";

const SIZE = { width: 1180, height: 900 };
/** So that the picture fits a page. */
const INSTANCES = DEMO_FLEET.slice(2);
/** Its first task fails, so that its password is sent twice. */
const TWICE = "crs-2frankfu";
/** Its new password is not made current. */
const LEFT_APART = "crs-policy32";

const cloud = await startCloud({ instances: INSTANCES, taskDurationMs });
try {
  await photograph(renderReport(await rotate(cloud)));
} finally {
  await cloud.close();
}

async function rotate(cloud: LocalCloud): Promise<Report> {
  const { environment, secrets, secretsManager, tencentDb } = cloud;
  Object.assign(process.env, QUIET, environment);
  const composition = await compose({
    environment: { ...environment, LOG_LEVEL: "silent" },
    remainingMs: 900_000,
    defaultStore: "aws",
    log: { bindings: {} },
  });
  tencentDb.planNextTask({ durationMs: 2_000, ending: "failed" }, TWICE);
  const events: TimedEvent[] = [];
  const observe = (event: TimedEvent["event"]): void => {
    events.push({ at: Date.now(), event });
    if (event.type !== "sent" || event.instanceId !== LEFT_APART) return;
    const message = "User is not authorized to perform: secretsmanager:UpdateSecretVersionStage";
    const scope = { secretId: secrets.name(LEFT_APART) };
    secretsManager.failNext(
      "UpdateSecretVersionStage",
      { kind: "error", name: "AccessDeniedException", message },
      scope,
    );
  };
  const startedAt = Date.now();
  const answer = await invoke(
    { ...composition, context: { ...composition.context, observe } },
    { kind: "driven", action: "rotate", secretIds: undefined, force: false, scheduled: false },
  );
  return { startedAt, endedAt: Date.now(), answer, events };
}

async function photograph(html: string): Promise<void> {
  const browser = await launchChromium();
  try {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await browser.newPage({ viewport: SIZE, colorScheme });
      await page.setContent(html);
      await page.getByRole("button", { name: TWICE }).click();
      await page.mouse.move(0, 0);
      await writeFile(`docs/report-${colorScheme}.png`, await page.screenshot({ fullPage: true }));
    }
  } finally {
    await browser.close();
  }
}
