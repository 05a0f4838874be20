import { fromEnv } from "@aws-sdk/credential-provider-env";
import { fromHttp } from "@aws-sdk/credential-provider-http";
import { chain, memoize } from "@smithy/core/config";

const RENEW_BEFORE_MS = 300_000;

/** Credentials as a function's platform gives them: environment variables, or an HTTP endpoint that those name. */
export function defaultProvider() {
  return memoize(
    chain(fromEnv(), async () => fromHttp()()),
    isExpiring,
    expires,
  );
}

interface Expiring {
  readonly expiration?: Date;
}

function expires({ expiration }: Expiring): boolean {
  return expiration !== undefined;
}

function isExpiring({ expiration }: Expiring): boolean {
  return expiration !== undefined && expiration.getTime() - Date.now() < RENEW_BEFORE_MS;
}
