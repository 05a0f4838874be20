import type { Clock } from "../../../lib/ports.ts";
import { AwsApiError } from "./aws-api-error.ts";
import type { Secret } from "./wire.ts";

interface SecretTableOptions {
  readonly clock: Clock;
  readonly region: string;
  readonly newId: () => string;
  readonly lagMs: number;
}

/** The secrets of a region. Each write replaces the whole secret, so that a lagging read can be given the one before. */
export interface SecretTable {
  all(): readonly Secret[];
  /** By name, ARN, or ARN without its random ending. */
  lookUp(secretId: string): Secret | undefined;
  find(secretId: string): Secret;
  /** Refuses a secret that is marked for deletion. */
  findLive(secretId: string): Secret;
  /** As a lagging reader sees it. */
  findLagging(secretId: string): Secret;
  save(secret: Secret): void;
  remove(secret: Secret): void;
  newArn(name: string): string;
  setLag(lagMs: number): void;
}

export function createSecretTable({ clock, region, newId, ...options }: SecretTableOptions): SecretTable {
  const secrets = new Map<string, Secret>();
  const namesByArn = new Map<string, string>();
  /** What was there before each write that is not visible everywhere yet, oldest first. */
  const hidden = new Map<string, { readonly visibleAt: number; readonly before: Secret | undefined }[]>();
  let lagMs = options.lagMs;

  const lookUp = (secretId: string) => secrets.get(namesByArn.get(secretId) ?? secretId);
  const find = (secretId: string) => lookUp(secretId) ?? notFound();
  const partial = (arn: string) => arn.slice(0, -7);

  function hide(name: string): void {
    const now = clock.now();
    const writes = (hidden.get(name) ?? []).filter((write) => write.visibleAt > now);
    if (lagMs > 0) writes.push({ visibleAt: now + lagMs, before: secrets.get(name) });
    if (writes.length > 0) hidden.set(name, writes);
    else hidden.delete(name);
  }

  function live(secret: Secret): Secret {
    if (secret.deletedAtMs === undefined) return secret;
    throw new AwsApiError(
      "InvalidRequestException",
      "You can't perform this operation on the secret because it was marked for deletion.",
    );
  }

  return {
    all: () => [...secrets.values()],
    lookUp,
    find,
    findLive: (secretId) => live(find(secretId)),
    findLagging(secretId) {
      const secret = find(secretId);
      const write = hidden.get(secret.name)?.find(({ visibleAt }) => visibleAt > clock.now());
      return live(write === undefined ? secret : (write.before ?? notFound()));
    },
    save(secret) {
      hide(secret.name);
      secrets.set(secret.name, secret);
      namesByArn.set(secret.arn, secret.name).set(partial(secret.arn), secret.name);
    },
    remove(secret) {
      hidden.delete(secret.name);
      secrets.delete(secret.name);
      namesByArn.delete(secret.arn);
      namesByArn.delete(partial(secret.arn));
    },
    newArn(name) {
      const ending = newId().replaceAll("-", "").slice(-6);
      return `arn:aws:secretsmanager:${region}:123456789012:secret:${name}-${ending}`;
    },
    setLag(ms) {
      lagMs = ms;
    },
  };
}

function notFound(): never {
  throw new AwsApiError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
}
