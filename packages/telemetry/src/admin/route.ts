/** What a route is: its entry in the list, and what answers it. */
import type { ServerResponse } from 'node:http';

/** GET routes answer HEAD as well. */
export interface RouteKind {
  readonly method: 'GET' | 'POST';
  /** Literal, or with one-segment parameters: `/lanes/{type}/pause`. */
  readonly path: string;
  readonly means: string;
  readonly answers: Readonly<Record<number, string>>;
  /** It changes something: only for whoever sends the token of ADMIN_TOKEN, and every try is logged. */
  readonly needs?: 'token';
}

export interface AdminRequest {
  /** The parameters of the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface TextReply {
  readonly status: number;
  /** An object is sent as JSON, redacted; a text as it is. */
  readonly body: object | string;
  /** Content type of a text. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The connection stays open; `stream` gets it with the headers sent, and whoever holds it ends it. */
export interface StreamReply {
  readonly status: 200;
  readonly type: string;
  readonly stream: (response: ServerResponse) => void;
}

export type Reply = TextReply | StreamReply;

export interface Route extends RouteKind {
  readonly handle: (request: AdminRequest) => Reply | Promise<Reply>;
}

export type Found =
  | { readonly is: 'route'; readonly route: Route; readonly parameters: Readonly<Record<string, string>> }
  | { readonly is: 'no such path' }
  | { readonly is: 'no such method'; readonly allow: readonly string[] };

/** Finds the route of a request. Literal paths are looked up; only those with parameters are compared one by one. */
export function createFinder(routes: readonly Route[]): (method: string, path: string) => Found {
  const literal = new Map<string, Map<string, Route>>();
  const patterns: { readonly segments: readonly string[]; readonly methods: Map<string, Route> }[] = [];
  for (const route of routes) {
    const segments = route.path.split('/');
    const methods = literal.get(route.path) ?? new Map<string, Route>();
    methods.set(route.method, route);
    if (route.method === 'GET') methods.set('HEAD', route);
    if (literal.get(route.path) === undefined && route.path.includes('{')) patterns.push({ segments, methods });
    literal.set(route.path, methods);
  }
  const choose = (methods: Map<string, Route>, method: string, parameters: Record<string, string>): Found => {
    const route = methods.get(method);
    return route === undefined
      ? { is: 'no such method', allow: [...methods.keys()] }
      : { is: 'route', route, parameters };
  };
  return (method, path) => {
    const exact = path.includes('{') ? undefined : literal.get(path);
    if (exact !== undefined) return choose(exact, method, {});
    const segments = path.split('/');
    for (const pattern of patterns) {
      const parameters = match(pattern.segments, segments);
      if (parameters !== undefined) return choose(pattern.methods, method, parameters);
    }
    return { is: 'no such path' };
  };
}

function match(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const given = segments[index] ?? '';
    if (!wanted.startsWith('{')) {
      if (wanted !== given) return undefined;
      continue;
    }
    try {
      parameters[wanted.slice(1, -1)] = decodeURIComponent(given);
    } catch {
      return undefined;
    }
    if (given === '') return undefined;
  }
  return parameters;
}
