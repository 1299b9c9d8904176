/** Lines about the HTTP server and what operators did over it. */
import { field, type LogKind } from './field.ts';

export const adminKinds = {
  'admin.listening': {
    level: 'info',
    msg: 'Health and metrics are served',
    means: 'The HTTP server is up.',
    fields: { host: field('text', 'address'), port: field('integer', 'port') },
  },
  'admin.failed': {
    level: 'error',
    msg: 'A request failed',
    means: 'A route of the HTTP server did not answer as it should.',
    fields: { path: field('text', 'the route'), error: field('text', 'the class of the error') },
  },
  'admin.action': {
    level: 'info',
    msg: 'Operator acted',
    means: 'Somebody with the token asked over HTTP for something to be changed: paused, resumed, released.',
    fields: {
      what: field('text', 'method and path'),
      remote: field('text', "address it came from; a proxy's where one stands in front"),
      status: field('integer', 'what it was answered with: 200 and 202 done, 404 no such lane, 409 not now'),
    },
  },
  'admin.refused': {
    level: 'warn',
    msg: 'Operator refused',
    means:
      'Somebody without the token tried to change something; of many at once only the first 20 in 10 s are logged.',
    fields: {
      what: field('text', 'method and path'),
      remote: field('text', "address it came from; a proxy's where one stands in front"),
      status: field('integer', '401 the token is missing or wrong, 403 ADMIN_TOKEN is not set'),
    },
  },
} as const satisfies Readonly<Record<string, LogKind>>;
