/**
 * A url and its parts: how the two become one address.
 *
 * The rule: a part completes the url; a part and a url that say different things are a fault that names both, because
 * nobody can know which of the two was forgotten. Credentials for development are used only when neither the url nor a
 * part gives a user or a password, and never when `NODE_ENV` is `production`.
 */
import type { Secret } from './key.ts';
import type { Judge } from './spec.ts';

/** Credentials of a first try; docker-compose.yml sets the servers up with the same. */
export const development = {
  broker: { username: 'guest', password: 'guest' },
  postgres: { username: 'inator', password: 'inator' },
  neo4j: { username: 'neo4j', password: 'inatorinator' },
} as const;

export const developmentPasswords: readonly string[] = Object.values(development).map(({ password }) => password);

interface Credentials {
  readonly username: string;
  readonly password: Secret;
}

const emptyPassword: Secret = () => '';

/** Takes the same thing from the url or from its part; both are fine when they agree. */
export function agree<T extends string | number>(
  judge: Judge,
  urlName: string,
  partName: string,
  fromUrl: T | undefined,
  part: T | undefined,
): T | undefined {
  if (fromUrl !== undefined && part !== undefined && fromUrl !== part) {
    judge.fault([partName, urlName], 'say different things', `one place for ${partName}, or the same in both`);
  }
  return part ?? fromUrl;
}

export function credentials(
  judge: Judge,
  names: { readonly url: string; readonly username: string; readonly password: string },
  given: {
    readonly url: Secret | undefined;
    readonly username: string | undefined;
    readonly password: Secret | undefined;
  },
  fallback: { readonly username: string; readonly password: string },
): Credentials {
  const url = parse(given.url);
  const urlUser = url && url.username !== '' ? decodeURIComponent(url.username) : undefined;
  const urlPassword = url && url.password !== '' ? decodeURIComponent(url.password) : undefined;
  const username = agree(judge, names.url, names.username, urlUser, given.username);
  if (urlPassword !== undefined && given.password !== undefined && urlPassword !== given.password()) {
    judge.fault(
      [names.password, names.url],
      'say different things',
      `one place for ${names.password}, or the same in both`,
    );
  }
  const password = given.password ?? (urlPassword === undefined ? undefined : passwordOf(given.url, urlPassword));
  if (username === undefined && password === undefined) {
    if (judge.production) {
      judge.fault(
        [names.password],
        'is not set, and the credentials for development are not used when NODE_ENV is production',
        `a user and a password in ${names.username} and ${names.password} (or ${names.password}_FILE), or in ${names.url}`,
      );
    }
    return { username: fallback.username, password: () => fallback.password };
  }
  if (judge.production && password?.() === fallback.password) {
    judge.warn(names.password, 'is the password for development, which everybody knows');
  }
  // A password without a user is for the usual user; a user without a password has none (a certificate, or trust).
  return { username: username ?? fallback.username, password: password ?? emptyPassword };
}

/** The password as it stands in the url now; the first one when the rotated file holds no url any more. */
function passwordOf(url: Secret | undefined, first: string): Secret {
  return () => {
    try {
      return decodeURIComponent(parse(url)?.password ?? '') || first;
    } catch {
      return first;
    }
  };
}

export function parse(url: Secret | undefined): URL | undefined {
  const text = url?.();
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
}

/** `[::1]` as urls write it, `::1` as sockets want it. */
export const hostOf = (url: URL | undefined): string | undefined =>
  url === undefined ? undefined : decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1');
export const portOf = (url: URL | undefined): number | undefined =>
  url && url.port !== '' ? Number(url.port) : undefined;
export const pathOf = (url: URL | undefined): string | undefined => {
  const path = decodeURIComponent(url?.pathname.slice(1) ?? '');
  return path === '' ? undefined : path;
};

/** What the url and the parts came to, for whoever wants to see the configuration in force. */
export function announce(judge: Judge, prefix: string, parts: Readonly<Record<string, string | number>>): void {
  for (const [name, value] of Object.entries(parts)) judge.effective(`${prefix}_${name}`, value);
}

export const unbracketed = (host: string | undefined): string | undefined => host?.replace(/^\[(.*)\]$/, '$1');

export function refuseParameters(
  judge: Judge,
  name: string,
  url: URL | undefined,
  allowed: readonly string[],
  hint: string,
): void {
  const strange = [...(url?.searchParams.keys() ?? [])].filter((key) => !allowed.includes(key));
  if (strange.length > 0) {
    judge.fault([name], `has parameters that are not read: ${strange.join(', ')}`, `no others (${hint})`);
  }
}
