import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { ERROR_NAMES } from "../torture/troubles.ts";
import type { Marks } from "./marks.ts";
import type { Processes, WatchedFunction } from "./processes.ts";
import { ERRORS, type Interface, ODDITIES, QUOTATIONS } from "./quotations.ts";
import { type Indiscretion, type Relay, startRelay } from "./relay.ts";

/** Rotations by one API of secrets in one store, each of an instance of its own. */
export interface Flavour {
  readonly store: "aws" | "ssm";
  readonly platform: "lambda" | "scf";
  readonly api: "ResetPassword" | "ModifyInstancePassword" | "ModifyInstanceAccount" | "ModfiyRedisPassword";
  /** How many are rotated at once. */
  readonly size: number;
  /** The actions of a rotation that are tried. The others are another flavour's. */
  readonly tries: RegExp;
}

/** The actions that come up only where the answer to the change was lost. */
const AFTER_A_LOSS: readonly string[] = ["DescribeTaskList"];
const THROTTLING = /^(RequestLimitExceeded|ThrottlingException|4400 |HTTP 429)/;
const CHANGES = /^(ResetPassword|Mod(ify|fiy)\w+|PutSecretValue|Update\w+|Delete\w+)/;
const REGIONS = ["ap-guangzhou", "ap-shanghai", "ap-beijing", "ap-singapore"];

interface Case {
  readonly label: string;
  readonly plans: readonly Omit<Indiscretion, "about">[];
}

export interface Outcome {
  readonly actions: readonly string[];
  readonly cases: number;
  /** The cases whose answer no call has met. */
  readonly unmet: readonly string[];
  /** The codes of the errors that came of them. */
  readonly codes: ReadonlySet<string>;
}

/** Every action of a rotation meets every error of its interface, in which the cloud quotes what it was sent. */
export async function meetErrors(flavour: Flavour, processes: Processes, marks: Marks): Promise<Outcome> {
  const { store, platform, api, size } = flavour;
  const ids = Array.from({ length: size }, (_, index) => `crs-at${String(index).padStart(2, "0")}`);
  const account = api === "ModifyInstanceAccount" ? "app" : "default";
  const cloud = await startCloud({
    store,
    instances: ids.map((instanceId, index) => ({
      instanceId,
      region: REGIONS[index % REGIONS.length] ?? "",
      ...(account === "app" && { accounts: [{ name: account }] }),
    })),
    taskDurationMs: 150,
    taskTailMs: 50,
    callsPerSecond: 10_000,
    changesPerSecond: 10_000,
    sessionTokens: true,
  });
  const { TENCENTCLOUD_ENDPOINT_URL: tencentUrl = "", AWS_ENDPOINT_URL_SECRETS_MANAGER: awsUrl = "" } =
    cloud.environment;
  const [tencent, aws] = await Promise.all([startRelay(tencentUrl, marks), startRelay(awsUrl, marks)]);
  markKeys(cloud, marks);
  // What is asked for many at once cannot be told apart: so each is asked for by itself.
  const forbid = (action: string, about: RegExp) =>
    tencent.plan({
      action,
      about,
      answer: () => ERRORS["API 3.0"]("UnauthorizedOperation", "-"),
      times: Infinity,
    });
  forbid("DescribeInstances", /"InstanceIds":\[[^\]]*,/);
  forbid("DescribeTaskList", /^(?!.*"InstanceId":)/);
  const fn = await processes.startFunction(platform, `errors of ${api} with ${store}`, {
    ...cloud.environment,
    ROTATION_SECRETS: "",
    TENCENTCLOUD_ENDPOINT_URL: tencent.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    API_CALLS_PER_SECOND: "1000",
    ROTATION_CANARY: "0",
    ROTATION_BREAKER: "0",
  });
  const secrets = freshSecrets(cloud, { store, api, account });
  try {
    await rotate(fn, await Promise.all(ids.map((id) => secrets(id))));
    const seen = [...new Set([...tencent.actions, ...aws.actions])];
    const actions = [...seen, ...(flavour.tries.test(AFTER_A_LOSS[0] ?? "") ? AFTER_A_LOSS : [])].filter(
      (action) => flavour.tries.test(action),
    );
    const interfaceOf = (action: string): Interface =>
      action.endsWith("(API 2.0)") ? "API 2.0" : aws.actions.has(action) ? "AWS" : "API 3.0";
    // Throttling slows all rotations of a run down: what brings it comes last, and together.
    const cases = actions
      .flatMap((action) => casesOf(action, interfaceOf(action), api))
      .sort((a, b) => Number(THROTTLING.test(a.label)) - Number(THROTTLING.test(b.label)));

    const unmet: string[] = [];
    const codes = new Set<string>();
    for (let start = 0; start < cases.length; start += size) {
      const round = cases.slice(start, start + size);
      const names = await Promise.all(round.map((_, index) => secrets(ids[index] ?? "")));
      const planned = round.map(({ plans }, index) =>
        plans.map((plan) => {
          const isOfStore = aws.actions.has(plan.action) || /Secret/.test(plan.action);
          const relay: Relay = aws.actions.has(plan.action) ? aws : tencent;
          return relay.plan({ ...plan, about: isOfStore ? (names[index] ?? "") : (ids[index] ?? "") });
        }),
      );
      for (const code of await rotate(fn, names)) codes.add(code);
      for (const [index, plans] of planned.entries()) {
        if (plans.some(({ met }) => met === 0)) unmet.push(round[index]?.label ?? "");
        for (const plan of plans) plan.end();
      }
    }
    return { actions, cases: cases.length, unmet, codes };
  } finally {
    await fn.close();
    await Promise.all([tencent.close(), aws.close()]);
    await cloud.close();
  }
}

/** Rotates them all, and returns the codes of what failed. */
async function rotate(fn: WatchedFunction, names: readonly string[]): Promise<string[]> {
  const { answer, error } = await fn.invoke({ action: "rotate", secrets: names, force: true });
  if (error !== undefined) throw new Error(`The run itself failed: ${error.name}`);
  const { results } = answer as {
    readonly results: readonly { readonly error?: { readonly code: string } }[];
  };
  return results.flatMap(({ error: failure }) => failure?.code ?? []);
}

/** A secret of the instance that no rotation has seen yet, and Redis with its password. */
function freshSecrets(
  cloud: LocalCloud,
  { store, api, account }: { readonly store: string; readonly api: string; readonly account: string },
) {
  let made = 0;
  return async (instanceId: string): Promise<string> => {
    made += 1;
    const name = `redis-case-${String(made).padStart(5, "0")}`;
    const { host = "", port = 0 } = cloud.redis.get(instanceId) ?? {};
    // Each sort of character that a URL, JSON or HTML writes in another way.
    const password = `m4rk&<"'+/%\\=${made}-${Math.random().toString(36).slice(2)}Zq`;
    await cloud.tencentDb.changeByHand(instanceId, password, account);
    const { region } = cloud.tencentDb.instance(instanceId);
    const value = {
      engine: "tencentdb-redis",
      region,
      instanceId,
      host,
      port,
      username: account,
      password,
      api,
    };
    const SecretString = JSON.stringify(value);
    if (store === "ssm") cloud.ssm.call("CreateSecret", { SecretName: name, SecretString });
    else
      cloud.secretsManager.call("CreateSecret", {
        Name: name,
        SecretString,
        ClientRequestToken: crypto.randomUUID(),
      });
    return name;
  };
}

const NAMES: Readonly<Record<Exclude<Interface, "AWS STS">, readonly string[]>> = {
  ...ERROR_NAMES,
  AWS: [
    ...ERROR_NAMES.AWS,
    "InvalidSignatureException",
    "UnrecognizedClientException",
    "ValidationException",
  ],
};
/** As often as the clients send a read, or the AWS SDK anything. */
const UNTIL_IT_IS_TOLD = 4;

/** Every name with one of the quotations, in turn; and everything that is no error, with them. */
function casesOf(action: string, api: Interface, change: string): Case[] {
  const quotations = Object.values(QUOTATIONS);
  const quotation = (index: number) => quotations[index % quotations.length] ?? String;
  const isChange = CHANGES.test(action);
  const times = isChange && api !== "AWS" ? 1 : UNTIL_IT_IS_TOLD;
  const plansOf = (plan: Omit<Indiscretion, "about">) =>
    AFTER_A_LOSS.includes(action) ? [{ action: change, answer: () => "reset" as const }, plan] : [plan];
  const names = api === "AWS STS" ? [] : NAMES[api];
  const named = names.map((name, index) => ({
    label: `${name} to ${action}`,
    plans: plansOf({ action, times, answer: (request) => ERRORS[api](name, quotation(index)(request)) }),
  }));
  const odd = Object.entries(ODDITIES).flatMap(([name, answer], index) =>
    (isChange ? [false, true] : [false]).map((carriedOut) => ({
      label: `${name} to ${action}${carriedOut ? ", which is carried out" : ""}`,
      plans: plansOf({
        action,
        // The client waits for the rest of it, ten seconds each time.
        times: name === "a body that breaks off" ? 1 : times,
        carriedOut,
        answer: (request) => answer(quotation(index)(request), request),
      }),
    })),
  );
  return [...named, ...odd];
}

export function markKeys({ environment }: Pick<LocalCloud, "environment">, marks: Marks): void {
  marks.add("secret keys of Tencent Cloud", environment.TENCENTCLOUD_SECRET_KEY);
  marks.add("secret keys of AWS", environment.AWS_SECRET_ACCESS_KEY);
  marks.add("session tokens", environment.AWS_SESSION_TOKEN, environment.TENCENTCLOUD_SESSION_TOKEN);
}
