// Plays the platform inside a process of its own: loads a bundle and calls its handler for each message.
const [, , bundle, exported] = process.argv;
const { default: bundled } = await import(bundle);

process.on("message", async ({ id, event, timeoutMs }) => {
  const endsAt = Date.now() + timeoutMs;
  const context = {
    awsRequestId: id,
    request_id: id,
    functionName: "redis-rotation",
    function_name: "redis-rotation",
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  };
  try {
    process.send({ id, answer: await bundled[exported](event, context) });
  } catch (error) {
    process.send({ id, error: { name: error.name, message: error.message } });
  }
});
process.send({ ready: true });
