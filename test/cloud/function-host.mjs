import { inspect } from "node:util";

// Plays the platform inside a process of its own: loads a bundle and calls its handler for each message.
const [, , bundle, exported] = process.argv;
const { default: bundled } = await import(bundle);

process.on("message", async ({ id, event, timeoutMs, environment, context: fields }) => {
  const endsAt = Date.now() + timeoutMs;
  for (const [name, value] of Object.entries(environment ?? {})) {
    if (value === null) delete process.env[name];
    else process.env[name] = value;
  }
  const names = { functionName: "redis-rotation", function_name: "redis-rotation" };
  const context = {
    ...(fields ?? { awsRequestId: id, ...names }),
    request_id: id,
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  };
  const peakKilobytes = () => process.resourceUsage().maxRSS;
  try {
    const answer = await bundled[exported](event, context);
    process.send({ id, answer, peakKilobytes: peakKilobytes() });
  } catch (error) {
    process.send({
      id,
      // The last as a platform prints it, with the stack and every cause.
      error: { name: error.name, message: error.message, printed: inspect(error, { depth: null }) },
      peakKilobytes: peakKilobytes(),
    });
  }
});
process.send({ ready: true });
