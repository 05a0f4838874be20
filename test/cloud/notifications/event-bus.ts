/** Amazon EventBridge of one region: event buses and the one action that the function calls, over AWS JSON 1.1. */
import { AwsApiError } from "../secrets-manager/aws-api-error.ts";
import { type AwsFront, type AwsFrontOptions, startAwsFront } from "./aws-front.ts";

export interface EventBusOptions extends AwsFrontOptions {
  /** By name. */
  readonly buses: readonly string[];
}

/** An event as a rule sees it. */
export interface BusEvent {
  readonly bus: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
}

export interface EventBuses extends AwsFront {
  readonly events: readonly BusEvent[];
  /** The next entry is answered so, in an answer with HTTP 200. */
  failNextEntry(code: string, message: string): void;
}

const MAX_BYTES = 262_144;

export async function startEventBuses(options: EventBusOptions): Promise<EventBuses> {
  const events: BusEvent[] = [];
  const faults: { readonly ErrorCode: string; readonly ErrorMessage: string }[] = [];

  function put(entry: Readonly<Record<string, unknown>>): object {
    const { EventBusName = "default", Source = "", DetailType = "", Detail = "" } = entry;
    const texts = [Source, DetailType, Detail].map(String);
    if (Buffer.byteLength(texts.join("")) > MAX_BYTES) {
      throw new AwsApiError(
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
      );
    }
    const fault = faults.shift();
    if (fault !== undefined) return fault;
    const [source = "", detailType = "", text = ""] = texts;
    if (source === "" || detailType === "" || source.startsWith("aws.")) {
      return { ErrorCode: "InvalidArgument", ErrorMessage: "Parameter Source or DetailType is not valid." };
    }
    const detail = objectIn(text);
    if (detail === undefined) return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
    const bus = String(EventBusName).replace(/^arn:aws:events:[^:]+:\d{12}:event-bus\//, "");
    if (!options.buses.includes(bus)) {
      return { ErrorCode: "ResourceNotFoundException", ErrorMessage: `Event bus ${bus} does not exist.` };
    }
    events.push({ bus, source, detailType, detail });
    return { EventId: options.newId() };
  }

  const front = await startAwsFront(options, {
    service: "events",
    contentType: "application/x-amz-json-1.1",
    carryOut({ headers, body, allows }) {
      const isJson = headers["content-type"] === "application/x-amz-json-1.1";
      if (!isJson || headers["x-amz-target"] !== "AWSEvents.PutEvents") {
        throw new AwsApiError("UnknownOperationException", "The operation is not known.");
      }
      if (!allows("events:PutEvents")) {
        const what = "is not authorized to perform: events:PutEvents on resource: the bus";
        throw new AwsApiError(
          "AccessDeniedException",
          `User: arn:aws:sts::123456789012:assumed-role/x ${what}`,
        );
      }
      const { Entries: given = [] } = JSON.parse(body) as { Entries?: Record<string, unknown>[] };
      if (given.length < 1 || given.length > 10)
        throw new AwsApiError("ValidationException", "1 to 10 entries.");
      const Entries = given.map(put);
      return JSON.stringify({
        FailedEntryCount: Entries.filter((each) => "ErrorCode" in each).length,
        Entries,
      });
    },
    renderError: ({ name, message }) => JSON.stringify({ __type: name, message }),
  });
  return {
    ...front,
    events,
    failNextEntry: (ErrorCode, ErrorMessage) => void faults.push({ ErrorCode, ErrorMessage }),
  };
}

function objectIn(text: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
