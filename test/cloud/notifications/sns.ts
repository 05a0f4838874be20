/** Amazon SNS of one region: standard topics and the one action that the function calls, over the query protocol. */
import { AwsApiError } from "../secrets-manager/aws-api-error.ts";
import { type AwsFront, type AwsFrontOptions, startAwsFront } from "./aws-front.ts";

export interface SnsOptions extends AwsFrontOptions {
  readonly topicArns: readonly string[];
}

export interface Published {
  readonly topicArn: string;
  readonly subject: string | undefined;
  /** What the subscribers of each protocol get; `default` is for those that are not named. */
  readonly message: Readonly<Record<string, string>>;
}

export interface Sns extends AwsFront {
  readonly published: readonly Published[];
}

const MAX_BYTES = 262_144;
const NAMESPACE = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"';

export async function startSns(options: SnsOptions): Promise<Sns> {
  const published: Published[] = [];

  function publish(form: URLSearchParams): void {
    const topicArn = form.get("TopicArn") ?? "";
    const subject = form.get("Subject") ?? undefined;
    const text = form.get("Message") ?? "";
    if (!options.topicArns.includes(topicArn)) throw new AwsApiError("NotFound", "Topic does not exist", 404);
    if (subject !== undefined && !/^[!-~][ -~]{0,99}$/.test(subject)) throw invalid("Subject");
    if (text === "" || Buffer.byteLength(text) > MAX_BYTES) throw invalid("Message too long");
    const message = form.get("MessageStructure") === "json" ? structured(text) : { default: text };
    published.push({ topicArn, subject, message });
  }

  const front = await startAwsFront(options, {
    service: "sns",
    contentType: "text/xml",
    carryOut({ headers, body, requestId, allows }) {
      const form = new URLSearchParams(body);
      const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
      if (!isForm || form.get("Action") !== "Publish" || form.get("Version") !== "2010-03-31") {
        throw new AwsApiError("InvalidAction", "Send a form with Action=Publish.");
      }
      if (!allows("sns:Publish")) {
        const what = `is not authorized to perform: SNS:Publish on resource: ${form.get("TopicArn")}`;
        throw new AwsApiError(
          "AuthorizationError",
          `User: arn:aws:sts::123456789012:assumed-role/x ${what}`,
          403,
        );
      }
      publish(form);
      return `<PublishResponse ${NAMESPACE}><PublishResult><MessageId>${options.newId()}</MessageId></PublishResult><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></PublishResponse>`;
    },
    renderError: ({ name, message, status }, requestId) =>
      `<ErrorResponse ${NAMESPACE}><Error><Type>${status >= 500 ? "Receiver" : "Sender"}</Type><Code>${name}</Code><Message>${message}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
  });
  return { ...front, published };
}

function structured(text: string): Readonly<Record<string, string>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid("Message Structure - JSON message body failed to parse");
  }
  const message = parsed as Record<string, string>;
  if (typeof message?.default !== "string") {
    throw invalid("Message Structure - No default entry in JSON message body");
  }
  return message;
}

function invalid(what: string): AwsApiError {
  return new AwsApiError("InvalidParameter", `Invalid parameter: ${what}`);
}
