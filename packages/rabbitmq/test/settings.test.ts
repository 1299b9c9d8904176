import { DeadlineError, SourceError } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { asSourceError, brokerFault, classify, classifyConnect } from '../src/faults.ts';
import { brokerSettingsFromUrl, connectArguments } from '../src/settings.ts';
import { deadLetterArguments, type QueueSpec, queueArguments, queueNames } from '../src/topology.ts';

describe('settings from a URL', () => {
  it('are read with every part unescaped', () => {
    const settings = brokerSettingsFromUrl('amqps://us%40er:p%2Fw@broker.example:5999/a%2Fb', { heartbeatSeconds: 3 });
    expect(settings).toMatchObject({
      host: 'broker.example',
      port: 5999,
      username: 'us@er',
      vhost: 'a/b',
      heartbeatSeconds: 3,
      tls: {},
    });
    expect(settings.password?.()).toBe('p/w');
  });

  it('leave out what the URL leaves out', () => {
    expect(brokerSettingsFromUrl('amqp://[::1]')).toEqual({ host: '::1' });
  });

  it.each(['not a url', 'amqp://u:%zz@h', 'http://u:secret@h'])('are refused without quoting %s', (url) => {
    expect(() => brokerSettingsFromUrl(url)).toThrow(TypeError);
    expect(() => brokerSettingsFromUrl(url)).not.toThrow(/secret|zz/);
  });

  it('reach amqplib with the virtual host as it is, heartbeats on and certificates checked', () => {
    const settings = { host: 'h', vhost: '50%', heartbeatSeconds: 0, tls: {}, password: () => 'pw' };
    const [where, how] = connectArguments(settings, new AbortController().signal);
    expect(where).toMatchObject({ protocol: 'amqps', port: 5671, vhost: '50%25', heartbeat: 1 });
    expect(how).toMatchObject({ rejectUnauthorized: true, noDelay: true });
  });
});

describe('the names', () => {
  it('are those of the contract', () => {
    expect(queueNames('discogs', 'tableinator', 'artists')).toEqual({
      exchange: 'discogs-artists',
      queue: 'tableinator-discogs-artists',
      deadLetterExchange: 'tableinator-discogs-artists.dlx',
      deadLetterQueue: 'tableinator-discogs-artists.dlq',
    });
  });

  it('and arguments differ only where the spec does', () => {
    const spec: QueueSpec = { ...queueNames('p', 's', 't'), type: 'quorum' };
    expect(queueArguments(spec)).toEqual({ 'x-queue-type': 'quorum', 'x-dead-letter-exchange': 's-p-t.dlx' });
    expect(queueArguments({ ...spec, singleActiveConsumer: true })['x-single-active-consumer']).toBe(true);
    expect(deadLetterArguments({ ...spec, type: 'classic', deadLetters: { maxLength: 5 } })).toEqual({
      'x-queue-type': 'classic',
      'x-max-length': 5,
      'x-overflow': 'reject-publish',
    });
  });
});

const coded = (message: string, code?: string | number): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

describe('what a failure means', () => {
  it.each([
    [coded('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), 'unavailable'],
    [coded('getaddrinfo ENOTFOUND nope', 'ENOTFOUND'), 'unavailable'],
    [new DeadlineError('connecting', 5), 'unavailable'],
    [new Error('Socket closed abruptly during opening handshake'), 'unavailable'],
    [
      new Error('Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - x"'),
      'misconfigured',
    ],
    [new Error('Handshake terminated by server: 320 (CONNECTION-FORCED) with message "bye"'), 'unavailable'],
    [new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'), 'misconfigured'],
    [new Error('SASL mechanism PLAIN is not provided by the server'), 'misconfigured'],
    [coded('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'), 'misconfigured'],
    [coded('certificate has expired', 'CERT_HAS_EXPIRED'), 'misconfigured'],
    [coded('Host does not match', 'ERR_TLS_CERT_ALTNAME_INVALID'), 'misconfigured'],
    [coded('wrong version number', 'ERR_SSL_WRONG_VERSION_NUMBER'), 'misconfigured'],
  ] as const)('while connecting: %s', (error, is) => {
    expect(classifyConnect(error)).toBe(is);
  });

  it.each([
    [coded('inequivalent arg', 406), 'misconfigured'],
    [coded('no queue', 404), 'misconfigured'],
    [coded("home node 'a@b' of durable queue 'q' in vhost '/' is down or inaccessible", 404), 'unavailable'],
    [coded('delivery acknowledgement on channel 1 timed out', 406), 'unavailable'],
    [coded('access refused', 403), 'misconfigured'],
    [coded('locked', 405), 'misconfigured'],
    [coded('CONNECTION_FORCED', 320), 'unavailable'],
    [coded('INTERNAL_ERROR', 541), 'unavailable'],
    [new Error('anything else'), 'unavailable'],
  ] as const)('on a channel: %s', (error, is) => {
    expect(classify(error)).toBe(is);
  });

  it('is told in the words of the broker, on one line, with its code', () => {
    const error = coded('Operation failed: QueueDeclare; 404 (NOT-FOUND) with message "NOT_FOUND -\n no queue"', 404);
    expect(brokerFault('misconfigured', 'queue q cannot be declared', error)).toMatchObject({
      code: 'broker-refused',
      reason: 'queue q cannot be declared: NOT_FOUND - no queue',
      native: '404',
    });
  });

  it('is told of every address that was tried in vain', () => {
    const all = new AggregateError([coded('ECONNREFUSED ::1'), coded('ECONNREFUSED 127.0.0.1')]);
    expect(brokerFault('unavailable', 'w', all).reason).toBe('w: ECONNREFUSED ::1; ECONNREFUSED 127.0.0.1');
  });

  it('is kept when it was already told', () => {
    const told = asSourceError('w', coded('gone', 320));
    expect(told).toBeInstanceOf(SourceError);
    expect(asSourceError('again', told)).toBe(told);
  });
});
