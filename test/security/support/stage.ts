/** What a test of passwords needs besides its world: accounts, their files, and ways to the servers that can be cut. */
import { type Proxy as Switch, startProxy } from '@inator/testkit/hurt';
import { type Account, type SecretFiles, secretFiles } from './accounts.ts';

export interface Stage {
  readonly files: SecretFiles;
  /** The account goes with the stage. */
  owned(making: Promise<Account>): Promise<Account>;
  /** A way to the server that can be cut, as a failing switch would. */
  wayTo(url: string, defaultPort: number): Promise<Switch>;
  /** To be called when the services are gone. */
  close(): Promise<void>;
}

export function openStage(): Stage {
  const files = secretFiles();
  const accounts: Account[] = [];
  const ways: Switch[] = [];
  return {
    files,
    async owned(making) {
      const account = await making;
      accounts.push(account);
      return account;
    },
    async wayTo(url, defaultPort) {
      const { hostname, port } = new URL(url);
      const way = await startProxy({ target: { host: hostname, port: Number(port || defaultPort) } });
      ways.push(way);
      return way;
    },
    async close() {
      for (const account of accounts) await account.remove();
      for (const way of ways) await way.close();
      files.remove();
    },
  };
}
