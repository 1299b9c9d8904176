// One port of the machine for each service, whichever of its replicas answers: replicas cannot share one, and ports of a range
// move with every start of a container.
//
//     node deploy/front.mjs PORT=HOST:PORT …      8002=tableinator:8002; port 0 is any free one
//
// A connection goes to the first address of HOST, in order, that takes it. So what one reader asks goes to one replica for as
// long as that one is there: a live page is a stream and questions that belong together. It listens where HEALTH_HOST says.
import { lookup } from 'node:dns/promises';
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';

const connectMs = 2_000;
const listenHost = process.env.HEALTH_HOST?.trim() || '127.0.0.1';
const routes = process.argv.slice(2).map((text) => {
  const [, port, host, target] = /^(\d+)=([^:]+):(\d+)$/.exec(text) ?? [];
  if (target === undefined) {
    process.stderr.write(`front: "${text}" is not PORT=HOST:PORT\n`);
    process.exit(2);
  }
  return { port: Number(port), host, target: Number(target) };
});

/** Rejects when nobody is there. */
function reach(host, port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: connectMs });
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve(socket);
    });
    socket.once('timeout', () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
  });
}

async function reachFirst({ host, target }) {
  const found = await lookup(host, { all: true });
  const addresses = found.map(({ address }) => address).sort();
  let last;
  for (const address of addresses) {
    try {
      return await reach(address, target);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

for (const route of routes) {
  const server = createServer({ pauseOnConnect: true }, (client) => {
    client.on('error', () => client.destroy());
    reachFirst(route).then(
      (service) => pipeline(client, service, client, () => service.destroy()),
      // As if nobody listened: whoever asked tries again.
      () => client.destroy(),
    );
  });
  server.listen(route.port, listenHost, () => {
    process.stdout.write(`front: ${server.address().port} leads to ${route.host}:${route.target}\n`);
  });
}

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
