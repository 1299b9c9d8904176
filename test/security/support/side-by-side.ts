/**
 * Long ways that mostly wait, under way at the same time. `start` begins all of them and belongs into `beforeAll`; each is then
 * awaited, and fails, in a test of its own.
 */
export interface SideBySide {
  start(): void;
  end(name: string): Promise<void>;
}

export function sideBySide(ways: Readonly<Record<string, () => Promise<void>>>): SideBySide {
  const underWay = new Map<string, Promise<void>>();
  return {
    start() {
      for (const [name, way] of Object.entries(ways)) {
        const going = way();
        // It may fail before anybody awaits it.
        going.catch(() => {});
        underWay.set(name, going);
      }
    },
    async end(name) {
      const going = underWay.get(name);
      if (going === undefined) throw new Error(`${name} was not started`);
      await going;
    },
  };
}
