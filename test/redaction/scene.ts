import { type CloudOptions, type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { markKeys } from "./error-cases.ts";
import type { Marks } from "./marks.ts";
import type { Places } from "./places.ts";
import type { Processes, WatchedFunction } from "./processes.ts";
import { type Relay, startRelay } from "./relay.ts";

/** What every flow has at hand. */
export interface Proof {
  readonly marks: Marks;
  readonly places: Places;
  readonly processes: Processes;
}

/** A local cloud whose every request passes a relay. */
export interface Scene {
  readonly cloud: LocalCloud;
  readonly tencent: Relay;
  readonly aws: Relay;
  readonly sts: Relay;
  /** For a function: all credentials, and the relays in the clouds' place. */
  readonly environment: Readonly<Record<string, string>>;
  startFunction(
    platform: "lambda" | "scf",
    label: string,
    variables?: Readonly<Record<string, string>>,
  ): Promise<WatchedFunction>;
}

const FAST = { taskDurationMs: 300, taskTailMs: 100, sessionTokens: true };

/** Sets a scene, plays in it, and strikes it: every value of every secret is marked before and after. */
export async function inScene(
  { marks, processes }: Proof,
  options: CloudOptions,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  const cloud = await startCloud({ ...FAST, ...options });
  const { TENCENTCLOUD_ENDPOINT_URL: tencentUrl = "", AWS_ENDPOINT_URL_SECRETS_MANAGER: awsUrl = "" } =
    cloud.environment;
  const stsUrl = cloud.federation.environment.AWS_ENDPOINT_URL_STS ?? "";
  const relays = await Promise.all([tencentUrl, awsUrl, stsUrl].map((url) => startRelay(url, marks)));
  const [tencent, aws, sts] = relays as [Relay, Relay, Relay];
  const functions: WatchedFunction[] = [];
  const environment = {
    ...cloud.environment,
    TENCENTCLOUD_ENDPOINT_URL: tencent.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    AWS_ENDPOINT_URL_STS: sts.url,
  };
  markKeys(cloud, marks);
  markValues(cloud, options, marks);
  try {
    await play({
      cloud,
      tencent,
      aws,
      sts,
      environment,
      async startFunction(platform, label, variables) {
        const started = await processes.startFunction(platform, label, { ...environment, ...variables });
        functions.push(started);
        return started;
      },
    });
  } finally {
    await Promise.all(functions.map((each) => each.close()));
    markValues(cloud, options, marks);
    await Promise.all(relays.map((relay) => relay.close()));
    await cloud.close();
  }
}

/** The passwords of every version of every instance's secret. */
function markValues(cloud: LocalCloud, { instances, store }: CloudOptions, marks: Marks): void {
  for (const { instanceId } of instances) {
    const name = cloud.secrets.name(instanceId);
    const { versions } = store === "ssm" ? cloud.ssm.inspect(name) : cloud.secretsManager.inspect(name);
    for (const { content } of versions) {
      const text = content?.SecretString;
      if (text?.startsWith("{")) marks.add("Redis passwords", JSON.parse(text).password);
    }
  }
}

/** Of an instance, with each sort of character that a URL, JSON or HTML writes in another way. */
export function trickyPassword(): string {
  return `m4rk&<"'+/%\\=${Math.random().toString(36).slice(2)}Zq`;
}
