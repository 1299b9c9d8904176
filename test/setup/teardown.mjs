// Ends what test/setup/global.mjs has started, by its handles, and deletes the data.
export default async function stopServers() {
  await globalThis.inatorTestServers?.stop();
}
