import { fileURLToPath } from "node:url";
import type { Plugin } from "esbuild";

/** A module that is left out of a bundle. */
export interface LeftOut {
  /** As it is imported. */
  readonly name: string;
  /** What its importers' paths have in common, where the name alone does not tell which module it is. */
  readonly importer?: RegExp;
  /** The file in stand-ins/ that takes its place. Without one, whatever is taken from the module throws when used. */
  readonly by?: string;
  /** What is taken from it by name, where nothing takes its place. */
  readonly names?: readonly string[];
}

/** What no call of this product needs. */
export const LEFT_OUT: readonly LeftOut[] = [
  { name: "form-data" },
  { name: "https-proxy-agent" },
  { name: "@pinojs/redact" },
  { name: "./lib/transport", importer: /\/pino\/pino\.js$/ },
  { name: "./transport", importer: /\/pino\/lib\/\w+\.js$/ },
  { name: "cluster-key-slot" },
  { name: "./connectors/SentinelConnector", importer: /\/iovalkey\/built\/\w+\.js$/ },
  { name: "./SentinelConnector", importer: /\/iovalkey\/built\/connectors\/\w+\.js$/ },
  { name: "@smithy/core/event-streams", names: ["EventStreamSerde", "eventStreamSerdeProvider"] },
  { name: "./cluster", importer: /\/iovalkey\/built\/\w+\.js$/ },
  { name: "@iovalkey/commands", by: "redis-commands.ts" },
  { name: "bignumber.js", by: "big-number.cts" },
  { name: "debug", by: "debug.ts" },
  { name: "safe-stable-stringify", by: "safe-stable-stringify.cts" },
  { name: "tslib", importer: /\/tencentcloud-sdk-nodejs\//, by: "tslib.cts" },
  { name: "uuid", by: "uuid.ts" },
  { name: "whatwg-url", by: "whatwg-url.ts" },
];

/** What a function does not need besides: it has no configuration files, no SSO session, no instance metadata. */
export const LEFT_OUT_OF_FUNCTIONS: readonly LeftOut[] = [
  ...LEFT_OUT,
  { name: "@aws-sdk/credential-provider-node", by: "function-credentials.ts" },
];

const NAMESPACE = "left-out";

/** Keeps modules out of a bundle. */
export function leaveOut(modules: readonly LeftOut[]): Plugin {
  return {
    name: "leave-out",
    setup(build) {
      for (const { name, importer = /./, by, names = [] } of modules) {
        const found =
          by === undefined
            ? { path: name, namespace: NAMESPACE, pluginData: names }
            : { path: fileURLToPath(new URL(`stand-ins/${by}`, import.meta.url)) };
        build.onResolve({ filter: new RegExp(`^${name.replaceAll(".", "\\.")}$`) }, (asked) =>
          importer.test(asked.importer) ? found : undefined,
        );
      }
      build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ path, pluginData }) => ({
        contents: throwing(path, pluginData),
      }));
    },
  };
}

/** A CommonJS module: callable, constructible, and each time an error. */
function throwing(name: string, names: readonly string[]): string {
  const message = JSON.stringify(`${name} is left out of this bundle`);
  return [
    `const absent = function () { throw new Error(${message}); };`,
    `module.exports = Object.assign(absent, { default: absent, ${names.map((each) => `${each}: absent`).join(", ")} });`,
  ].join("\n");
}
