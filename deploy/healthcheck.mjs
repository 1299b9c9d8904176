// The container's health check, run by the engine inside the container: node is there, curl is not.
//
//     node deploy/healthcheck.mjs [PATH]        PATH is /livez unless given
//
// Exit 0 when the service answers 2xx within 4 s, else 1 with the reason on one line, which `docker inspect` shows.
// It asks where HEALTH_HOST and HEALTH_PORT say. Without HEALTH_PORT both services' defaults are tried: a container
// runs one of the two.
const deadlineMs = 4_000;
const defaultPorts = ['8002', '8001'];
// An address to bind to is not always one to connect to.
const wildcards = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '[::1]'],
]);

const path = process.argv[2] ?? '/livez';
const bound = process.env.HEALTH_HOST?.trim() || '127.0.0.1';
const host = wildcards.get(bound) ?? (bound.includes(':') ? `[${bound}]` : bound);
const given = process.env.HEALTH_PORT?.trim();
const ports = given ? [given] : defaultPorts;

/** Undefined when healthy, else why not. */
async function ask(port) {
  const url = `http://${host}:${port}${path}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(deadlineMs) });
    if (response.ok) return undefined;
    const body = await response.text();
    return `${url} answered ${response.status}: ${body.slice(0, 1_000)}`;
  } catch (error) {
    return `${url}: ${error.cause?.message ?? error.message}`;
  }
}

const reasons = await Promise.all(ports.map(ask));
if (reasons.includes(undefined)) process.exit(0);
process.stdout.write(`${reasons.join('; ')}\n`);
process.exit(1);
