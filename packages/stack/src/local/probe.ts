/** One question to a server over TCP, to see whether it answers in its own language. */
import { connect } from 'node:net';

/**
 * Connects, sends `question` and judges the bytes of the answer as they come: true and false end it, undefined waits for
 * more. Resolves with false when there is no answer within `timeoutMs`; never rejects.
 */
export function ask(
  port: number,
  question: Uint8Array,
  judge: (answer: Buffer) => boolean | undefined,
  timeoutMs = 2_000,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let answer = Buffer.alloc(0);
    const end = (result: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    socket.once('connect', () => socket.write(question));
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      const verdict = judge(answer);
      if (verdict !== undefined) end(verdict);
    });
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}

/** True when something accepts connections on the port, of this machine or of another `host`; false after a second. */
export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return acceptsAt({ host, port });
}

/** The same for a socket in the file system. */
export function acceptsAt(
  address: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    const end = (result: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    // Not the socket's own time-out, which begins anew with whatever happens, such as a name being resolved.
    const timer = setTimeout(() => end(false), 1_000);
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** AMQP 0-9-1: the protocol header is answered by Connection.Start, a method frame (1) on channel 0. */
export function answersAmqp(port: number): Promise<boolean> {
  const header = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);
  return ask(port, header, (answer) => (answer.length < 11 ? undefined : answer.readUInt32BE(7) === 0x000a000a));
}

/** RabbitMQ's management API opens last and needs the user database: when it answers, so does the rest. */
export async function answersManagement(url: string): Promise<boolean> {
  const { origin, username, password } = new URL(url);
  try {
    const response = await fetch(`${origin}/api/whoami`, {
      headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
      signal: AbortSignal.timeout(2_000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** PostgreSQL 3.0: a start-up message is answered by a request to authenticate (R) once the server takes sessions. */
export function answersPostgres(port: number, user: string, database: string): Promise<boolean> {
  const parameters = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(head.length + parameters.length, 0);
  head.writeUInt32BE(3 << 16, 4);
  return ask(port, Buffer.concat([head, parameters]), (answer) => answer[0] === 0x52);
}

/** Bolt: the handshake offers versions 5.x and 4.4, and the server answers with the one it takes, or zero. */
export function answersBolt(port: number): Promise<boolean> {
  const handshake = Buffer.from([0x60, 0x60, 0xb0, 0x17, 0, 8, 8, 5, 0, 0, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
  return ask(port, handshake, (answer) => (answer.length < 4 ? undefined : answer.readUInt32BE(0) !== 0));
}
