import { DeadlineError, type FaultCode, type SinkErrorKind } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { sessionIsGone } from '../src/faults/classify.ts';
import { classify } from '../src/index.ts';

interface Parts {
  readonly message?: string;
  readonly detail?: string;
  readonly where?: string;
  readonly severity?: string;
  readonly constraint?: string;
  readonly routine?: string;
}
const database = (code: string, { message = 'the words of the server', ...parts }: Parts = {}): Error =>
  Object.assign(new pg.DatabaseError(message, message.length, 'error'), { code, severity: 'ERROR', ...parts });
const errno = (code: string, message = code): Error => Object.assign(new Error(message), { code });

type Row = readonly [SinkErrorKind, FaultCode, ...string[]];
/** Independent of the table under test: what each SQLSTATE of the reliability study must come to. */
const sqlstates: readonly Row[] = [
  [
    'unavailable',
    'store-unreachable',
    '08000',
    '08003',
    '08006',
    '08001',
    '08P01',
    '25P03',
    '25P04',
    '57P05',
    '57P01',
    '57P02',
    '57P03',
    '26000',
  ],
  [
    'unavailable',
    'store-busy',
    '40001',
    '40P01',
    '40003',
    '55P03',
    '55006',
    '25006',
    '53000',
    '53100',
    '53200',
    '53300',
    '53400',
    '58000',
    '58030',
  ],
  ['suspect', 'store-busy', '57014'],
  ['refused', 'value-refused', '22000', '22001', '22007', '22008', '22P02', '22023', '22012', '2200H', '22P05'],
  ['refused', 'number-out-of-range', '22003'],
  ['refused', 'utf8-invalid', '22021'],
  ['suspect', 'defect', '22P03', '22P04', '21000'],
  ['refused', 'constraint-refused', '23502', '23505', '23514', '23P01', '44000', 'P0001', '27000', '23000'],
  ['suspect', 'constraint-refused', '23503'],
  ['refused', 'limit-refused', '54000', '54001', '54011', '54023'],
  [
    'misconfigured',
    'store-misconfigured',
    '28000',
    '28P01',
    '3D000',
    '3F000',
    '42501',
    '42601',
    '42703',
    '42804',
    '42883',
    '42P01',
    '42P10',
    '57P04',
    '0A000',
    'F0000',
  ],
  ['suspect', 'suspect-condemned', 'XX000', 'XX001', 'XX002', 'ZZ999', '55000'],
];
const errnos: readonly Row[] = [
  [
    'unavailable',
    'store-unreachable',
    'ECONNREFUSED',
    'ECONNRESET',
    'ECONNABORTED',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
  ],
  [
    'misconfigured',
    'store-misconfigured',
    'CERT_HAS_EXPIRED',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_SSL_WRONG_VERSION_NUMBER',
  ],
];
const messages: readonly Row[] = [
  [
    'unavailable',
    'store-unreachable',
    'Connection terminated unexpectedly',
    'Connection terminated',
    'Query read timeout',
    'Connection terminated due to connection timeout',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
    'timeout exceeded when trying to connect',
    'Cannot use a pool after calling end on the pool',
  ],
  [
    'misconfigured',
    'store-misconfigured',
    'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string',
    'The server does not support SSL connections',
  ],
];
const cases = (rows: readonly Row[]): [string, SinkErrorKind, FaultCode][] =>
  rows.flatMap(([is, code, ...names]) => names.map((name): [string, SinkErrorKind, FaultCode] => [name, is, code]));

describe('every row of the table', () => {
  it.each(cases(sqlstates))('SQLSTATE %s is %s, %s', (code, is, faultCode) => {
    const error = classify(database(code));
    expect([error.is, error.fault.code, error.fault.native]).toEqual([is, faultCode, code]);
  });
  it.each(cases(errnos))('%s is %s, %s', (code, is, faultCode) => {
    const error = classify(errno(code));
    expect([error.is, error.fault.code, error.fault.native]).toEqual([is, faultCode, code]);
  });
  it.each(cases(messages))('"%s" is %s, %s', (message, is, faultCode) => {
    const error = classify(new Error(message));
    expect([error.is, error.fault.code]).toEqual([is, faultCode]);
  });

  it('out of memory asks for smaller batches, a statement that took too long for a comparison, nothing else does', () => {
    const those = (which: 'halve' | 'slow'): string[] =>
      cases(sqlstates).flatMap(([code]) => (classify(database(code))[which] ? [code] : []));
    expect([those('halve'), those('slow')]).toEqual([['53200'], ['57014']]);
  });

  it('a statement that somebody cancelled by hand is tried again as it is', () => {
    const error = classify(database('57014', { message: 'canceling statement due to user request' }));
    expect(error).toMatchObject({ is: 'unavailable', halve: false, slow: false, fault: { code: 'store-busy' } });
  });

  it('our own deadline is the link, a defect of ours is a defect, and a cached plan is a reconnect', () => {
    expect(classify(new DeadlineError('COPY', 5)).fault.code).toBe('store-unreachable');
    expect(classify(new TypeError('x is not a function'))).toMatchObject({ is: 'suspect', fault: { code: 'defect' } });
    expect(classify('thrown text')).toMatchObject({ is: 'suspect', fault: { code: 'defect' } });
    expect(classify(database('0A000', { message: 'cached plan must not change result type' })).is).toBe('unavailable');
  });

  it('what a pooler says under 08P01 is told apart by its words', () => {
    expect(classify(database('08P01', { message: 'unsupported startup parameter: options' })).is).toBe('misconfigured');
    expect(classify(database('08P01', { message: 'no such database: x' })).is).toBe('misconfigured');
    expect(classify(database('08P01', { message: 'query_wait_timeout' })).is).toBe('unavailable');
  });

  const misleading = [
    'No such user 7',
    'no such database: x',
    'unsupported startup parameter: options',
    'Bouncer config error',
    'order 7 was cancelled due to user request',
    'cached plan must not change result type',
    'SASL: no',
    'the shop does not support SSL connections',
    'Connection terminated by the customer',
    'the record is not queryable',
    'timeout expired',
  ];
  it.each(misleading)('a trigger that says "%s" refuses the record all the same', (message) => {
    const raised = { message, routine: 'exec_stmt_raise' };
    expect(classify(database('P0001', raised))).toMatchObject({ is: 'refused', fault: { code: 'constraint-refused' } });
    expect(classify(database('P0001', { message })).is).toBe('refused');
    expect(classify(database('23514', raised))).toMatchObject({ is: 'refused', fault: { code: 'constraint-refused' } });
    for (const code of ['08P01', '57014', '0A000']) {
      const plain = classify(database(code, { routine: 'exec_stmt_raise' }));
      expect(classify(database(code, raised))).toMatchObject({ is: plain.is, fault: plain.fault });
    }
  });

  it('the words of a pooler or the driver mean nothing under a code of the server', () => {
    for (const message of misleading) {
      expect(classify(database('23505', { message })).is).toBe('refused');
      expect(classify(database('42P01', { message })).is).toBe('misconfigured');
    }
  });

  it('one SQLSTATE of several faults is told apart by the words of the server', () => {
    const code = (state: string, parts: Parts): FaultCode => classify(database(state, parts)).fault.code;
    expect(code('22021', { message: 'invalid byte sequence for encoding "UTF8": 0x00' })).toBe('text-nul');
    expect(code('22021', { message: 'invalid byte sequence for encoding "UTF8": 0xff' })).toBe('utf8-invalid');
    expect(code('22P02', { message: 'invalid input syntax for type json', detail: 'Token "x" is invalid.' })).toBe(
      'json-invalid',
    );
    expect(
      code('22P02', {
        message: 'invalid input syntax for type json',
        detail: 'Unicode low surrogate must follow a high surrogate.',
      }),
    ).toBe('text-surrogate');
  });
});

describe('the culprit', () => {
  const culprit = (where: string): number | undefined => classify(database('22P02', { where })).culprit;
  it.each([
    ['COPY inator_stage, line 3, column data', 2],
    ['COPY inator_stage, line 3', 2],
    ['JSON data, line 1: {"a"\nCOPY inator_stage, line 500, column data', 499],
    ['COPY inator_stage, Zeile 3, Spalte data', 2],
    ['COPY inator_stage, ligne 3, colonne data', 2],
    ['inator_stageのCOPY、行 3、列 data', 2],
  ])('is read from "%s"', (where, index) => {
    expect(culprit(where)).toBe(index);
  });
  it.each([
    ['JSON data, line 1: inator_stage, line 7'.concat('\nunnamed portal parameter $5')],
    ['COPY other, line 3'],
    ['SQL statement "…"'],
    [''],
  ])('is not made up from "%s"', (where) => {
    expect(culprit(where)).toBeUndefined();
  });
  it('cannot be forged by the data in an earlier line of the context', () => {
    expect(culprit('JSON data, line 1: COPY inator_stage, line 7\nCOPY inator_stage, line 2, column data')).toBe(1);
  });
});

describe('what is said', () => {
  it('never quotes the row: not in the reason, not in the cause', () => {
    const secret = 'Geheimnis';
    const leaky = {
      message: `invalid input: "${secret}"`,
      detail: `Failing row contains (${secret}).`,
      where: `JSON data, line 1: ${secret}\nCOPY inator_stage, line 1, column data`,
    };
    for (const code of ['22P02', '23505', '23514', 'P0001', 'XX000', 'ZZ999', '57014']) {
      const error = classify(database(code, leaky));
      const cause = error.cause as Error;
      expect([error.message, JSON.stringify(error.fault), cause.message, JSON.stringify(cause)].join()).not.toContain(
        secret,
      );
    }
  });
  it('never quotes what a trigger raised, whatever SQLSTATE it chose', () => {
    for (const code of ['42501', '40001', '28P01', '53100']) {
      const error = classify(database(code, { message: 'no room for Geheimnis', routine: 'exec_stmt_raise' }));
      expect(error.fault.reason).toContain(code);
      expect(error.fault.reason).not.toContain('Geheimnis');
    }
  });
  it('names condition, SQLSTATE, column and constraint; and of the server what it says of itself', () => {
    expect(classify(database('22P02', { where: 'COPY inator_stage, line 1, column data' })).fault.reason).toBe(
      'PostgreSQL: invalid_text_representation (22P02), column "data"',
    );
    expect(classify(database('23514', { constraint: 'not_free' })).fault.reason).toBe(
      'PostgreSQL: check_violation (23514), constraint "not_free"',
    );
    expect(classify(database('42501', { message: 'permission denied for table x' })).fault.reason).toBe(
      'PostgreSQL: insufficient_privilege (42501): permission denied for table x',
    );
  });
});

it('a session is kept after an error of the statement, and given up when it is gone or unknown', () => {
  expect(['22P02', '40P01', '55P03', '57014', '42P01'].map((code) => sessionIsGone(database(code)))).toEqual(
    Array(5).fill(false),
  );
  const ending = ['57P01', '25P03', '08006', '25006'];
  expect(ending.map((code) => sessionIsGone(database(code)))).toEqual(Array(4).fill(true));
  expect(sessionIsGone(database('XX000', { severity: 'FATAL' }))).toBe(true);
  expect(sessionIsGone(new DeadlineError('COPY', 5))).toBe(true);
  expect(sessionIsGone(errno('ECONNRESET'))).toBe(true);
});

it('whether the session is given up is the same after the error has been classified, as most are inside the lease', () => {
  const errors = [
    ...['22P02', '40P01', '57P01', '25006'].map((code) => database(code)),
    database('XX000', { severity: 'FATAL' }),
    new DeadlineError('COPY', 5),
    errno('ECONNRESET'),
  ];
  expect(errors.map((error) => sessionIsGone(classify(error)))).toEqual([false, false, true, true, true, true, true]);
});
