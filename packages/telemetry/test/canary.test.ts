import { faultReport, graphinator, describe as inWords, readConfig, tableinator, warningLine } from '@inator/config';
import { Events, type FaultCode, fault, faultKinds } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import {
  createAdminServer,
  createHealth,
  createLive,
  createMetrics,
  createRedact,
  logEvents,
  standardRoutes,
} from '../src/index.ts';
import { collect, controlled, oneOfEach, snapshot } from './samples.ts';

const canary = 'Canary"zq4711qz\\#/x';
const encoded = encodeURIComponent(canary);

/** Every way a server or a driver may quote a password in what it complains about. */
const complaints = [
  `password ${canary} refused`,
  `cannot connect to amqp://joe:${encoded}@broker:5672`,
  `postgres://joe:${canary}@h/db does not answer`,
  JSON.stringify({ password: canary, uri: `bolt://joe:${encoded}@h` }),
];

/** The past and the first snapshot, as a browser would get them. */
async function firstEvents(url: string): Promise<string> {
  let text = '';
  for await (const chunk of (await fetch(url)).body ?? []) {
    text += Buffer.from(chunk).toString();
    if (/^event: snapshot\ndata: .*\n\n/m.test(text)) return text;
  }
  return text;
}

describe('a secret of the environment', () => {
  it.each([
    ['tableinator', tableinator, { RABBITMQ_PASSWORD: canary, POSTGRES_PASSWORD: canary }],
    [
      'tableinator',
      tableinator,
      { RABBITMQ_URL: `amqp://joe:${encoded}@h`, POSTGRES_URL: `postgres://u:${encoded}@h/d` },
    ],
    ['graphinator', graphinator, { RABBITMQ_PASSWORD: canary, NEO4J_URI: `bolt://u:${encoded}@h` }],
    ['graphinator', graphinator, { RABBITMQ_PASSWORD_FILE: '/s', NEO4J_PASSWORD_FILE: '/s' }],
  ] as const)('of %s is in no line, no metric, no answer and no start-up error', async (name, spec, env) => {
    const result = readConfig(spec, env, () => `${canary}\n`);
    if ('faults' in result) throw new Error(faultReport(name, result.faults));
    const config = result.ok;
    const seen: string[] = [JSON.stringify(config), ...result.warnings.map(warningLine)];
    const redact = createRedact(config.secrets);

    for (const format of ['json', 'text'] as const) {
      const { log, lines } = collect({ format, redact });
      const events = new Events();
      logEvents(log, events);
      log.write('config.loaded', { settings: inWords(config) });
      for (const complaint of complaints) {
        for (const code of Object.keys(faultKinds) as FaultCode[]) {
          const told = fault(code, 'copy', complaint, { native: complaint });
          events.emit('session.lost', { lane: 'artists', fault: told, unsettled: 1 });
          events.emit('batch.held', { ...oneOfEach['batch.held'], fault: told });
          events.emit('record.deadLettered', { ...oneOfEach['record.deadLettered'], fault: told, key: complaint });
          events.emit('brake.on', { ...oneOfEach['brake.on'], fault: told });
        }
        events.emit('lane.state', { ...oneOfEach['lane.state'], reason: complaint });
        events.emit('defect', { ...oneOfEach.defect, error: new TypeError(complaint) });
        log.write('config.warning', { variable: 'X', reason: complaint });
        log.write('store.warning', { reason: complaint });
      }
      expect(lines.length).toBeGreaterThan(300);
      seen.push(...lines);
    }

    const health = createHealth({ redact });
    const metrics = createMetrics({ service: name, version: '1', sink: 'postgres' });
    const live = createLive({ service: name, version: '1', instance: 'i', health, redact });
    for (const [index, reason] of complaints.entries()) {
      live.lane(controlled({ lane: `lane${index}`, state: 'holding', reason }));
    }
    const server = createAdminServer({
      host: '127.0.0.1',
      port: 0,
      redact,
      routes: standardRoutes({
        service: name,
        version: '1',
        revision: undefined,
        instance: 'i',
        health,
        metrics,
        live,
        lanes: () => complaints.map((reason) => controlled({ state: 'holding', reason })),
      }),
    });
    for (const complaint of complaints) {
      health.probe({ name: 'store', advice: 'x', check: () => Promise.reject(new Error(complaint)) });
      health.lane({ name: 'a', snapshot: () => snapshot({ state: 'holding', reason: complaint }) });
    }
    const { port } = await server.listen();
    for (const path of ['/readyz', '/health', '/metrics', '/lanes', '/version', '/nowhere']) {
      seen.push(await (await fetch(`http://127.0.0.1:${port}${path}`)).text());
    }
    seen.push(await firstEvents(`http://127.0.0.1:${port}/events`));
    live.close();
    await server.close();
    metrics.close();

    const all = seen.join('\n');
    expect(all).toContain('***');
    expect(all).not.toMatch(/zq4711qz/);
  });

  it('is in no start-up error, however wrong the rest is', () => {
    const env = {
      RABBITMQ_URL: `http://u:${encoded}@h`,
      RABBITMQ_PASSWORD: canary,
      POSTGRES_URL: `postgres://u:other@h/d?x=${encoded}`,
      POSTGRES_PASSWORD: canary,
      POSTGRES_PASSWORD_FILE: '/gone',
      POSTGRES_PASSWRD: canary,
      POSTGRES_HOST: `amqp://u:${encoded}@h`,
      LOG_LEVEL: 'loud',
    };
    const result = readConfig(tableinator, env, () => {
      throw Object.assign(new Error(canary), { code: 'EACCES' });
    });
    if ('ok' in result) throw new Error('no fault');
    expect(result.faults.length).toBeGreaterThan(4);
    expect(faultReport('tableinator', result.faults)).not.toContain('zq4711qz');
  });
});
