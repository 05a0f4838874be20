import { createHash } from "node:crypto";
import type { Environment } from "./variables.ts";

export type Params = Readonly<Record<string, unknown>>;

/** A call that changes something: without the code, and without the values of variables. */
export interface ReportedCall {
  readonly action: string;
  readonly params: Params;
}

interface Confidential {
  readonly Code?: { readonly ZipFile: string };
  readonly Environment?: Environment;
}

/** What can be shown of a call. A variable may hold a key, so that of all of them only the names are. */
export function withoutContent(params: Params & Confidential): Params {
  const { Code, Environment } = params;
  return {
    ...params,
    ...(Code && { Code: { ZipFile: describe(Buffer.from(Code.ZipFile, "base64")) } }),
    ...(Environment && {
      Environment: { Variables: Environment.Variables.map(({ Key }) => ({ Key, Value: "…" })) },
    }),
  };
}

/** The values that no message may show. */
export function secretsIn({ Environment }: Params & Confidential): string[] {
  const secret = Environment?.Variables.filter(({ Key }) =>
    /KEY|TOKEN|PASSWORD|CREDENTIAL|WEBHOOK_URL/i.test(Key),
  );
  return (secret ?? []).map(({ Value }) => Value);
}

function describe(zip: Buffer): string {
  return `${zip.length} bytes, SHA-256 ${createHash("sha256").update(zip).digest("hex")}`;
}
