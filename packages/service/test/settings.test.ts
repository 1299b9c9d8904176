/** From a service's configuration to what its lanes do. */
import { readConfig, tableinator } from '@inator/config';
import { describe, expect, it } from '@jest/globals';
import { laneSettings, returnLimits } from '../src/settings.ts';

const lane = (env: Record<string, string>) => {
  const read = readConfig(tableinator, env);
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return laneSettings(read.ok);
};

describe('a record that ends the process', () => {
  it('is handled alone from the third return on, and condemned at the 18th, with nothing set', () => {
    expect(lane({})).toMatchObject({ suspectAfter: 3, condemnAfter: 18 });
  });

  it.each([
    [4, 1, 2],
    [5, 2, 3],
    [6, 3, 4],
    [10, 3, 8],
    [100, 3, 98],
  ])("with a broker's limit of %i is handled alone from %i returns on, and condemned at %i", (limit, alone, end) => {
    expect(lane({ RABBITMQ_DELIVERY_LIMIT: `${limit}` })).toMatchObject({ suspectAfter: alone, condemnAfter: end });
  });

  it('is tried alone before it is condemned, and condemned before the broker would, whatever the limit', () => {
    for (let limit = 4; limit < 200; limit += 1) {
      const { suspectAfter, condemnAfter } = returnLimits(limit);
      expect(suspectAfter).toBeGreaterThan(0);
      expect(condemnAfter).toBeGreaterThan(suspectAfter);
      expect(condemnAfter).toBeLessThan(limit);
    }
  });

  it.each(['3', '0', '-1', '4.5', 'none'])('a limit of %s is refused: it leaves no room', (limit) => {
    const read = readConfig(tableinator, { RABBITMQ_DELIVERY_LIMIT: limit });
    expect('faults' in read && read.faults).toMatchObject([{ name: 'RABBITMQ_DELIVERY_LIMIT' }]);
  });
});
