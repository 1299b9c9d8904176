/**
 * Who may change something: whoever sends `Authorization: Bearer …` with the token of ADMIN_TOKEN. Without a token nobody
 * may, so that a service that was never told one cannot be paused by whoever reaches its port. A header, not a cookie: a
 * page of somebody else cannot make a browser send it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export type Verdict =
  | { readonly is: 'allowed' }
  | {
      readonly is: 'refused';
      readonly status: 401 | 403;
      readonly body: { readonly error: string; readonly variable?: string };
      readonly headers: Readonly<Record<string, string>>;
    };

export interface Authority {
  /** `authorization` is the header as it came. */
  judge(authorization: string | undefined): Verdict;
}

/** `token` is asked each time, because the file it comes from may be rotated; an empty one counts as none. */
export function createAuthority(token: () => string = () => ''): Authority {
  return {
    judge(authorization) {
      const expected = token();
      if (expected === '') {
        const error =
          'changing a lane is switched off: set ADMIN_TOKEN (or ADMIN_TOKEN_FILE) for the service and send the same token';
        return { is: 'refused', status: 403, body: { error, variable: 'ADMIN_TOKEN' }, headers: {} };
      }
      const given = /^bearer +(.*)$/i.exec(authorization ?? '')?.[1]?.trim() ?? '';
      // Of digests, which are of one length: comparing takes as long whatever was sent.
      if (timingSafeEqual(digest(given), digest(expected))) return { is: 'allowed' };
      const error =
        given === ''
          ? 'this needs a token: send Authorization: Bearer TOKEN, with the value of ADMIN_TOKEN'
          : 'the token is not the one in ADMIN_TOKEN';
      return { is: 'refused', status: 401, body: { error }, headers: { 'www-authenticate': 'Bearer realm="inator"' } };
    },
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
