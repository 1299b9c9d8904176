/**
 * What PostgreSQL's errors mean for a batch, as one table. A code of five characters is a SQLSTATE, of two its class;
 * the longer wins, and what stands nowhere is `suspect`. Names are those of the PostgreSQL documentation, appendix A.
 */
import type { FaultCode, SinkErrorKind } from '@inator/runtime';

export interface Verdict {
  readonly is: SinkErrorKind;
  readonly code: FaultCode;
  /** The condition's name, for people. */
  readonly name: string;
  /** A smaller batch may pass. */
  readonly halve?: true;
  /** A time limit was passed. */
  readonly slow?: true;
  /** The session is of no more use: the client is destroyed, without a ROLLBACK. */
  readonly gone?: true;
}

const unreachable = (name: string): Verdict => ({ is: 'unavailable', code: 'store-unreachable', name, gone: true });
const busy = (name: string): Verdict => ({ is: 'unavailable', code: 'store-busy', name });
const config = (name: string): Verdict => ({ is: 'misconfigured', code: 'store-misconfigured', name });
const value = (name: string, code: FaultCode = 'value-refused'): Verdict => ({ is: 'refused', code, name });
const constraint = (name: string): Verdict => ({ is: 'refused', code: 'constraint-refused', name });
const limit = (name: string): Verdict => ({ is: 'refused', code: 'limit-refused', name });
const suspect = (name: string, code: FaultCode = 'defect'): Verdict => ({ is: 'suspect', code, name });

export const bySqlstate: Readonly<Record<string, Verdict>> = {
  '08': unreachable('connection_exception'),
  '26000': unreachable('invalid_sql_statement_name'),
  '25P03': unreachable('idle_in_transaction_session_timeout'),
  '25P04': unreachable('transaction_timeout'),
  '57P01': unreachable('admin_shutdown'),
  '57P02': unreachable('crash_shutdown'),
  '57P03': unreachable('cannot_connect_now'),
  '57P05': unreachable('idle_session_timeout'),

  '40001': busy('serialization_failure'),
  '40P01': busy('deadlock_detected'),
  '40003': busy('statement_completion_unknown'),
  '55P03': busy('lock_not_available'),
  '55006': busy('object_in_use'),
  // A standby, or a primary that became one. Behind a name or a proxy a new session may reach the one that takes writes;
  // and whether a session reads only is decided when it begins.
  '25006': { ...busy('read_only_sql_transaction'), gone: true },
  '53': busy('insufficient_resources'),
  '53100': busy('disk_full'),
  '53200': { ...busy('out_of_memory'), halve: true },
  '53300': { ...busy('too_many_connections'), gone: true },
  '53400': busy('configuration_limit_exceeded'),
  '58000': busy('system_error'),
  '58030': busy('io_error'),

  // Our own statement timeout: one heavy record or a slow server, only a comparison can tell. What somebody cancelled by
  // hand is told apart by its words, where the server speaks English.
  '57014': { ...suspect('query_canceled', 'store-busy'), slow: true },

  '22': value('data_exception'),
  '22000': value('data_exception'),
  '22001': value('string_data_right_truncation'),
  '22003': value('numeric_value_out_of_range', 'number-out-of-range'),
  '22007': value('invalid_datetime_format'),
  '22008': value('datetime_field_overflow'),
  '22021': value('character_not_in_repertoire', 'utf8-invalid'),
  '22023': value('invalid_parameter_value'),
  '22032': value('invalid_json_text', 'json-invalid'),
  '22P02': value('invalid_text_representation'),
  '22P05': value('untranslatable_character'),
  // The encoder wrote what COPY cannot read: ours, not the record's.
  '22P03': suspect('invalid_binary_representation'),
  '22P04': suspect('bad_copy_file_format'),

  '23': constraint('integrity_constraint_violation'),
  '23502': constraint('not_null_violation'),
  '23505': constraint('unique_violation'),
  '23514': constraint('check_violation'),
  '23P01': constraint('exclusion_violation'),
  '44000': constraint('with_check_option_violation'),
  P0001: constraint('raise_exception'),
  '27000': constraint('triggered_data_change_violation'),
  // The row it refers to may still be on its way: tried again several times before the record is condemned.
  '23503': suspect('foreign_key_violation', 'constraint-refused'),

  '54000': limit('program_limit_exceeded'),
  '54001': limit('statement_too_complex'),
  '54011': limit('too_many_columns'),
  '54023': limit('too_many_arguments'),

  // The merge reduces a batch to one row a key, so this is a defect of the merge.
  '21000': suspect('cardinality_violation'),

  '28': config('invalid_authorization_specification'),
  '28000': config('invalid_authorization_specification'),
  '28P01': config('invalid_password'),
  '3D000': config('invalid_catalog_name'),
  '3F000': config('invalid_schema_name'),
  '42': config('syntax_error_or_access_rule_violation'),
  '42501': config('insufficient_privilege'),
  '42703': config('undefined_column'),
  '42804': config('datatype_mismatch'),
  '42883': config('undefined_function'),
  '42P01': config('undefined_table'),
  '42P10': config('invalid_column_reference'),
  '57P04': config('database_dropped'),
  '0A000': config('feature_not_supported'),
  F0000: config('config_file_error'),

  XX000: suspect('internal_error', 'suspect-condemned'),
  XX001: suspect('data_corrupted', 'suspect-condemned'),
  XX002: suspect('index_corrupted', 'suspect-condemned'),
};

export const unknownSqlstate: Verdict = suspect('unknown_condition', 'suspect-condemned');

/** Errors of sockets, names and TLS, by Node's `code`; a code not here may still start with one of `tlsPrefixes`. */
export const byErrno: Readonly<Record<string, Verdict>> = Object.fromEntries([
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'ECONNABORTED',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EAI_FAIL',
    'EHOSTUNREACH',
    'EHOSTDOWN',
    'ENETUNREACH',
    'ENETDOWN',
    'EADDRNOTAVAIL',
    'EMFILE',
    'ENFILE',
    // The Unix socket is not there: the server is down.
    'ENOENT',
    'ERR_STREAM_DESTROYED',
    'ERR_STREAM_PREMATURE_CLOSE',
    'ERR_STREAM_WRITE_AFTER_END',
  ].map((code) => [code, unreachable(code)] as const),
  ...[
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'HOSTNAME_MISMATCH',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'INVALID_CA',
  ].map((code) => [code, config(code)] as const),
]);

/** TLS faults whose codes are too many to list: OpenSSL's and Node's, all for the operator. */
export const tlsPrefixes: readonly string[] = ['ERR_TLS_', 'ERR_SSL_', 'ERR_OSSL_', 'CERT_'];

/** Words that tell an error, and the SQLSTATEs under which they do: `undefined` is an error without any. */
export interface Worded {
  readonly words: RegExp;
  readonly under: readonly (string | undefined)[];
  readonly verdict: Verdict;
}

/** What pg says itself, without a SQLSTATE. */
const codeless = [undefined] as const;
/** What a pooler between us and the server says, whatever the cause. */
const pooler = [undefined, '08P01'] as const;

/**
 * Errors known by their words, looked at before the code; the first that matches wins. Never for what a function of the
 * user's raised: its words are free, and may quote the row.
 */
export const byMessage: readonly Worded[] = [
  {
    words: /unsupported startup parameter|^no such (database|user)|^bouncer config error/i,
    under: pooler,
    verdict: config('refused by the pooler'),
  },
  { words: /does not support SSL connections/, under: pooler, verdict: config('no TLS') },
  { words: /due to user request$/, under: ['57014'], verdict: busy('query_canceled') },
  {
    words: /^cached plan must not change result type$/,
    under: ['0A000'],
    verdict: unreachable('cached plan changed'),
  },
  { words: /^SASL:|^SCRAM|Password must be a string/, under: pooler, verdict: config('authentication failed') },
  { words: /^Connection terminated/, under: codeless, verdict: unreachable('connection terminated') },
  { words: /not queryable$/, under: codeless, verdict: unreachable('connection lost') },
  { words: /^Query read timeout$/, under: codeless, verdict: unreachable('query timeout') },
  {
    words: /^timeout exceeded when trying to connect$|^timeout expired$/,
    under: codeless,
    verdict: unreachable('connect timeout'),
  },
  { words: /^Cannot use a pool after calling end/, under: codeless, verdict: unreachable('pool closed') },
  {
    words: /error establishing an SSL connection/,
    under: codeless,
    verdict: unreachable('TLS negotiation broken off'),
  },
];
