import { describe, expect, it } from '@jest/globals';
import { createPostgres, quoted } from '../src/index.ts';
import { resolveSettings } from '../src/pool/settings.ts';
import { tlsOptions } from '../src/pool/tls.ts';

describe('settings', () => {
  it('have the documented defaults', () => {
    const { password, ...rest } = resolveSettings({});
    expect(password()).toBe('');
    expect(rest).toEqual({
      host: 'localhost',
      port: 5432,
      database: 'postgres',
      user: 'postgres',
      sslMode: 'disable',
      ca: undefined,
      schema: 'public',
      applicationName: 'inator',
      poolMax: 50,
      poolMin: 5,
      maxRetries: 5,
      healthCheckIntervalMs: 30_000,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 60_000,
      lockTimeoutMs: 10_000,
      idleInTransactionTimeoutMs: 60_000,
      deadlineGraceMs: 5_000,
    });
  });
  it('let a wait for a lock end well before its statement would', () => {
    expect(resolveSettings({ statementTimeoutMs: 9_000 }).lockTimeoutMs).toBe(3_000);
    expect(resolveSettings({ statementTimeoutMs: 9_000, lockTimeoutMs: 500 }).lockTimeoutMs).toBe(500);
  });
  it('read a URL, percent-encoding included, and let a field override its part', () => {
    const read = resolveSettings({
      url: 'postgres://us%40er:p%2Fw@[::1]:6000/my%20db?sslmode=verify-full',
      user: 'other',
    });
    expect(read).toMatchObject({ host: '::1', port: 6000, database: 'my db', user: 'other', sslMode: 'verify-full' });
    expect(read.password()).toBe('p/w');
  });
  it.each([
    [{ url: 'mysql://x' }, 'starts with mysql://'],
    [{ url: 'not a url' }, 'cannot be read'],
    [{ url: 'postgres://h/d?sslmode=prefer' }, 'sslmode=prefer is not one of'],
    [{ url: 'postgres://h/d?statement_timeout=1' }, 'a parameter "statement_timeout"'],
    [{ poolMax: 0 }, 'poolMax is 0'],
    [{ statementTimeoutMs: 1.5 }, 'statementTimeoutMs is 1.5'],
    [{ sslMode: 'verify-ca' as const }, 'verify-ca needs a CA'],
  ])('%j is refused with a sentence', (settings, said) => {
    expect(() => resolveSettings(settings)).toThrow(said);
  });
  it('never shows the password', () => {
    const postgres = createPostgres({ url: 'postgres://u:Geheimnis@localhost/d' });
    expect(JSON.stringify(postgres)).not.toContain('Geheimnis');
    expect(() => resolveSettings({ url: 'postgres://u:Geheimnis@h:99999/d' })).toThrow(/^(?!.*Geheimnis)/);
  });
});

describe('TLS', () => {
  const ca = '-----BEGIN CERTIFICATE-----';
  it('is off, unverified, of a trusted authority, or of the right host, as libpq has it', () => {
    expect(tlsOptions({ sslMode: 'disable', ca })).toBe(false);
    expect(tlsOptions({ sslMode: 'require', ca: undefined })).toEqual({ rejectUnauthorized: false });
    expect(tlsOptions({ sslMode: 'require', ca })).toMatchObject({
      rejectUnauthorized: true,
      ca,
      checkServerIdentity: expect.any(Function),
    });
    expect(tlsOptions({ sslMode: 'verify-ca', ca })).toMatchObject({
      rejectUnauthorized: true,
      ca,
      checkServerIdentity: expect.any(Function),
    });
    expect(tlsOptions({ sslMode: 'verify-full', ca })).toEqual({ rejectUnauthorized: true, ca });
  });
  it('without verification is warned about', () => {
    expect(createPostgres({ sslMode: 'require' }).warnings).toEqual([expect.stringContaining('does not verify')]);
    expect(createPostgres({ sslMode: 'verify-full' }).warnings).toEqual([]);
  });
});

describe('names', () => {
  it('are quoted, and refused when PostgreSQL would cut or choke on them', () => {
    expect(quoted('a"b')).toBe('"a""b"');
    for (const name of ['', 'a\0b', 'x'.repeat(64)]) expect(() => quoted(name)).toThrow('no name');
  });
});
