// Not TypeScript, which forbids to take one name from JSON; esbuild bundles no other field then.
import { version } from "@aws-sdk/client-secrets-manager/package.json";

// The client tells its version in each request.
export default { version };
