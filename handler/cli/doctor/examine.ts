import { systemClock } from "../../../lib/drivers/runtime.ts";
import { type Composition, compose, type Invocation } from "../../compose.ts";
import { fleetOf } from "../../invoke.ts";
import { readSettings, type Settings } from "../../settings.ts";
import { CHECKS, type Check, type CheckName, check, good, skipped, told } from "./checks.ts";
import { type Clocks, clockCheck } from "./clock.ts";
import { awsCheck, needsAws, tencentCheck } from "./credentials.ts";
import { firstEndpoints, tencentEndpoint, tencentPlaces } from "./network.ts";
import { createTallies, permissionChecks } from "./permissions.ts";
import { instanceChecks, readSecrets } from "./secrets.ts";

/**
 * Checks everything that a rotation of these secrets needs, and changes nothing. No secrets: the configured fleet. Each batch of
 * checks comes as soon as it is done; none stops the next one.
 */
export async function* examine(
  invocation: Invocation,
  secretIds: readonly string[],
): AsyncGenerator<readonly Check[]> {
  let settings: Settings | undefined;
  yield [
    await check(systemClock, ["environment"], async () => {
      settings = readSettings(invocation);
      const { store, verify } = settings.config;
      return good(`every variable can be used; secrets are in ${STORES[store]}, VERIFY=${verify}`);
    }),
  ];
  if (settings === undefined) return yield skipAfter("environment", "the environment cannot be used");
  yield* examineWith(invocation, settings, secretIds);
}

const STORES = { aws: "AWS Secrets Manager", ssm: "Tencent SSM" } as const;

async function* examineWith(
  invocation: Invocation,
  settings: Settings,
  named: readonly string[],
): AsyncGenerator<readonly Check[]> {
  const clocks: Clocks = {};
  const { checks: endpoints, ofStore, ofSts } = await firstEndpoints(invocation, settings, clocks);
  yield endpoints;
  // An STS that is out of reach tells nothing of the clock: TencentDB does later.
  const isTencentsKnown = clocks["Tencent Cloud"] !== undefined;
  const lateClock = () => (isTencentsKnown ? [] : [clockCheck("Tencent Cloud", clocks["Tencent Cloud"])]);
  const isAws = needsAws(settings);
  yield [
    ...(isAws ? [clockCheck("AWS", clocks.AWS)] : []),
    ...(isTencentsKnown ? [clockCheck("Tencent Cloud", clocks["Tencent Cloud"])] : []),
  ];

  const tallies = createTallies();
  const composing = compose({ ...invocation, onOutcome: tallies.note });
  const fleet = fleetFinder(composing, settings, named);
  const [ofTencent, ofAws] = await Promise.all([
    tencentCheck(invocation, settings, composing, ofSts.status === "good"),
    ...(isAws ? [awsCheck(settings, fleet.ask)] : []),
  ]);
  yield ofAws === undefined ? [ofTencent] : [ofAws, ofTencent];

  const noTencent = refusalOf(ofTencent);
  const noStore = (settings.config.store === "ssm" ? noTencent : refusalOf(ofAws)) ?? silenceOf(ofStore);
  const composition = await composing.catch(() => undefined);
  if (composition === undefined || noStore !== undefined) {
    const why = noStore ?? "without credentials nothing can be asked";
    return yield [...lateClock(), ...skipAfter("credentials", why)];
  }
  const ofFleet = await fleet.check();
  yield [ofFleet];
  const secretIds = ofFleet.status === "good" ? await fleet.find() : [];

  const { checks, values } = await readSecrets(composition, secretIds);
  yield checks;
  const known = secretIds.flatMap((secretId) => values.get(secretId) ?? []);
  const hosts = await Promise.all(
    tencentPlaces(known).map(async (place) => ({
      ...place,
      check: await tencentEndpoint(settings, place, clocks),
    })),
  );
  yield [...hosts.map((host) => host.check), ...lateClock()];
  const noTencentIn = (region: string) => {
    const host = hosts.find(({ service, regions }) => service === "redis" && regions.includes(region));
    return noTencent ?? silenceOf(host?.check);
  };
  yield instanceChecks(composition, secretIds, values, noTencentIn);
  yield permissionChecks(settings, known, fleet.isFound, tallies);
}

/** The secrets that are meant, looked for once. */
function fleetFinder(composing: Promise<Composition>, { config }: Settings, named: readonly string[]) {
  const isFound = named.length === 0 && config.secretIds.length === 0;
  const how = isFound
    ? `found by ${config.selection && "tag" in config.selection ? "ROTATION_TAG" : "ROTATION_PREFIX"}`
    : `named ${named.length > 0 ? "in the call" : "by ROTATION_SECRETS"}`;
  let found: Promise<readonly string[]> | undefined;
  const find = () => {
    found ??= composing.then((composition) => fleetOf(composition, named.length > 0 ? named : undefined));
    return found;
  };
  return {
    isFound,
    find,
    /** Has Secrets Manager answer something, where the secrets are there. */
    async ask(): Promise<void> {
      const { context } = await composing;
      const [first] = named.length > 0 ? named : config.secretIds;
      if (config.store === "aws") await (first === undefined ? find() : context.store.describe(first));
    },
    check: () =>
      check(systemClock, ["fleet"], async () => {
        const { length } = await find();
        if (length > 0) return good(`${length} secret${length === 1 ? "" : "s"}, ${how}`);
        const fix =
          "Compare ROTATION_TAG or ROTATION_PREFIX with the secrets' tags and names, and SECRET_STORE_REGION.";
        return { status: "unknown", found: "no secret is found", fix };
      }),
  };
}

function refusalOf(credentials: Check | undefined): string | undefined {
  if (credentials?.status !== "bad") return undefined;
  return `the credentials for ${credentials.subject} cannot be used`;
}

/** What cannot be reached is not asked: each call would wait for its time-out. */
function silenceOf(endpoint: Check | undefined): string | undefined {
  return endpoint?.status === "bad" ? `${endpoint.subject} does not answer` : undefined;
}

/** All that comes after, of which nothing can be found out. */
function skipAfter(last: CheckName, why: string): Check[] {
  return CHECKS.slice(CHECKS.indexOf(last) + 1).map((name) => told(name, undefined, skipped(why)));
}
