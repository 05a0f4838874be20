import type { Clock } from "../../../../lib/ports.ts";
import { ApiError } from "../api-error.ts";
import type { TencentDb } from "../model.ts";
import type { Credential } from "../tc3.ts";
import { qcloudCode } from "./codes.ts";
import { createFormVerifier } from "./signature.ts";

/** How answers are written, where the documents leave it open. */
export interface QcloudAnswerStyle {
  /** `"code": "0"`. Default: a number. */
  readonly codeAsText?: boolean;
  /** A code of the service comes inside the message, `(10707)…`, and beside it the common one. Default: by itself. */
  readonly codeInMessage?: boolean;
}

export interface QcloudFrontOptions {
  readonly clock: Clock;
  readonly service: Pick<TencentDb, "dispatch">;
  readonly credentials: readonly Credential[];
  readonly style?: QcloudAnswerStyle | undefined;
}

/** An HTTP request that has arrived for API 2.0. */
export interface QcloudArrival {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** The query of a GET, the body of a POST. */
  readonly form: URLSearchParams;
  readonly requestId: string;
}

/** Carries a request out and returns the whole answer. @throws BrokenReply where a fault says so */
export type QcloudFront = (arrival: QcloudArrival) => Promise<Readonly<Record<string, unknown>>>;

const PATH = "/v2/index.php";

const COMMON = new Set([
  ...["Action", "Region", "Timestamp", "Nonce"],
  ...["SecretId", "Signature", "SignatureMethod", "Token"],
]);

/** The short codes that API 2.0 takes besides API 3.0's names. */
const REGIONS: Readonly<Record<string, string>> = {
  gz: "ap-guangzhou",
  sh: "ap-shanghai",
  bj: "ap-beijing",
  cd: "ap-chengdu",
  cq: "ap-chongqing",
  hk: "ap-hongkong",
  sg: "ap-singapore",
  th: "ap-bangkok",
  kr: "ap-seoul",
  jp: "ap-tokyo",
  in: "ap-mumbai",
  de: "eu-frankfurt",
  usw: "na-siliconvalley",
  use: "na-ashburn",
  ca: "na-toronto",
  shjr: "ap-shanghai-fsi",
  szjr: "ap-shenzhen-fsi",
};

/** API 2.0 of one service: `/v2/index.php`, GET or POST, over the same model as API 3.0. */
export function createQcloudFront(options: QcloudFrontOptions): QcloudFront {
  const { clock, service, style = {} } = options;
  const verifier = createFormVerifier(options.credentials);
  const written = (code: number) => (style.codeAsText === true ? String(code) : code);

  return async (arrival) => {
    const { method, host, path, form, requestId } = arrival;
    const region = form.get("Region") ?? undefined;
    const call = {
      host,
      method,
      action: form.get("Action") ?? "",
      version: "2.0",
      region: region && (REGIONS[region] ?? region),
      parameters: Object.fromEntries(
        [...form].filter(([name]) => !COMMON.has(name)).map(([name, value]) => [name, typed(name, value)]),
      ),
      requestId,
    };
    const authenticate = () => {
      if (path !== PATH) throw new ApiError("6100", "Nothing is served at this path.");
      verifier.verify(arrival, clock.now());
    };
    try {
      const data = await service.dispatch(call, authenticate);
      return { code: written(0), message: "", codeDesc: "Success", data };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { code, codeDesc } = qcloudCode(error);
      const inside = style.codeInMessage === true && code >= 10_000;
      return {
        code: written(inside ? 5100 : code),
        message: inside ? `(${code})${error.message}` : error.message,
        codeDesc,
      };
    }
  };
}

/** A form knows texts only; the model takes the id of a task as a number. */
function typed(name: string, value: string): unknown {
  return name === "requestId" && /^\d+$/.test(value) ? Number(value) : value;
}
