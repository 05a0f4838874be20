import { join } from "node:path";
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
  { name: "encoding" },
  { name: "form-data" },
  { name: "get-stream", names: ["buffer"] },
  { name: "https-proxy-agent" },
  { name: "./sse_response_model", importer: /\/tencentcloud\/common\/\w+\.js$/, names: ["SSEResponseModel"] },
  { name: "./format", importer: /\/jsonc-parser\/lib\/esm\/impl\/edit\.js$/, names: ["format", "isEOL"] },
  { name: "on-exit-leak-free", names: ["register", "unregister"] },
  { name: "pino-std-serializers", names: ["err", "mapHttpRequest", "mapHttpResponse"] },
  { name: "worker_threads", importer: /\/pino\/lib\/\w+\.js$/, names: ["isMainThread"] },
  { name: "./lib/multistream", importer: /\/pino\/pino\.js$/ },
  { name: "./lib/redaction", importer: /\/pino\/pino\.js$/ },
  { name: "./redaction", importer: /\/pino\/lib\/\w+\.js$/ },
  { name: "./lib/transport", importer: /\/pino\/pino\.js$/ },
  { name: "./transport", importer: /\/pino\/lib\/\w+\.js$/ },
  { name: "cluster-key-slot" },
  { name: "./lib/old", importer: /\/redis-errors\/index\.js$/ },
  { name: "./connectors/SentinelConnector", importer: /\/iovalkey\/built\/\w+\.js$/ },
  { name: "./SentinelConnector", importer: /\/iovalkey\/built\/connectors\/\w+\.js$/ },
  { name: "./cluster", importer: /\/iovalkey\/built\/\w+\.js$/ },
  { name: "./Pipeline", importer: /\/iovalkey\/built\/\w+\.js$/ },
  { name: "./ScanStream", importer: /\/iovalkey\/built\/\w+\.js$/ },
  { name: "../Script", importer: /\/iovalkey\/built\/utils\/\w+\.js$/ },
  { name: "@smithy/core/event-streams", names: ["EventStreamSerde", "eventStreamSerdeProvider"] },
  { name: "./Sha256Js", importer: /\/checksum\/sha256\/Sha256Node\.js$/, names: ["Sha256Js"] },
  {
    name: "./sdk-stream-mixin.browser",
    importer: /\/util-stream\/sdk-stream-mixin\.js$/,
    names: ["sdkStreamMixin"],
  },
  {
    name: "./stream-collector.browser",
    importer: /\/util-stream\/stream-collector\.js$/,
    names: ["streamCollector"],
  },
  {
    name: "../package.json",
    importer: /\/client-secrets-manager\/dist-es\/\w+\.js$/,
    by: "client-version.mjs",
  },
  { name: "assert", importer: /\/(redis-errors|sonic-boom)\//, by: "assert.cts" },
  { name: "./transaction", importer: /\/iovalkey\/built\/\w+\.js$/, by: "redis-transaction.ts" },
  { name: "../autoPipelining", importer: /\/iovalkey\/built\/utils\/\w+\.js$/, by: "redis-pipelining.ts" },
  { name: "@iovalkey/commands", by: "redis-commands.ts" },
  { name: "denque", by: "denque.cts" },
  { name: "node:fs/promises", importer: /\/credential-provider-http\//, by: "lazy-files.ts" },
  { name: "lodash.defaults", by: "defaults.cts" },
  { name: "json-bigint", by: "json-bigint.cts" },
  { name: "debug", by: "debug.ts" },
  { name: "safe-stable-stringify", by: "safe-stable-stringify.cts" },
  { name: "tslib", importer: /\/tencentcloud-sdk-nodejs\//, by: "tslib.cts" },
  { name: "./uuid/v4", importer: /\/submodules\/serde\/index\.js$/, by: "bind-uuid.ts" },
  { name: "uuid", by: "uuid.ts" },
  { name: "whatwg-url", by: "whatwg-url.ts" },
  { name: "zlib", importer: /\/node-fetch\//, by: "lazy-zlib.ts" },
];

/** What a function does not need besides: it has no configuration files, no SSO session, no instance metadata. */
export const LEFT_OUT_OF_FUNCTIONS: readonly LeftOut[] = [
  ...LEFT_OUT,
  { name: "@aws-sdk/credential-provider-node", by: "function-credentials.ts" },
  {
    name: "../shared-ini-file-loader/loadSharedConfigFiles",
    importer: /\/node-config-provider\/\w+\.js$/,
    by: "no-config-files.ts",
  },
  {
    name: "./getInstanceMetadataRegion",
    importer: /\/regionConfig\/config\.js$/,
    by: "no-instance-metadata.ts",
  },
  {
    name: "../config-resolver/regionConfig/getInstanceMetadataRegion",
    importer: /\/defaults-mode\/\w+\.js$/,
    by: "no-instance-metadata.ts",
  },
];

const NAMESPACE = "left-out";
const STAND_INS = fileURLToPath(new URL("stand-ins", import.meta.url));

/** Keeps modules out of a bundle. */
export function leaveOut(modules: readonly LeftOut[]): Plugin {
  return {
    name: "leave-out",
    setup(build) {
      for (const { name, importer = /./, by, names = [] } of modules) {
        const found =
          by === undefined
            ? { path: name, namespace: NAMESPACE, pluginData: names }
            : { path: join(STAND_INS, by) };
        build.onResolve({ filter: new RegExp(`^${name.replaceAll(".", "\\.")}$`) }, (asked) =>
          importer.test(asked.importer) ? found : undefined,
        );
      }
      build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ path, pluginData }) => ({
        contents: `module.exports = require("./absent.cts")(${JSON.stringify([path, pluginData]).slice(1, -1)});`,
        resolveDir: STAND_INS,
      }));
    },
  };
}
